{{/*
Everything of one process. Takes
  root       the chart's context
  component  its name in labels and names of objects
  process    what gantry-entry starts
  values     its block of values, defaults filled in
  config     its configuration file
  env        its environment, a list
  secrets    {name of the folder below /run/secrets: {secret, items}}
  port       where it serves; 0 when it does not
  from       components of this release that may reach the port
  paths      what its ingress lets in
*/}}
{{- define "gantry.process" -}}
{{- $v := .values -}}
{{- $name := printf "%s-%s" (include "gantry.fullname" .root) .component | trunc 52 | trimSuffix "-" -}}
{{- $account := ternary (default $name $v.serviceAccount.name) (default "default" $v.serviceAccount.name) $v.serviceAccount.create -}}
{{- $config := toYaml .config -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "gantry.labels" . | nindent 4 }}
data:
  {{ .process }}.yaml: |
    {{- $config | nindent 4 }}
{{- if $v.serviceAccount.create }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $account }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "gantry.labels" . | nindent 4 }}
  {{- with $v.serviceAccount.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end }}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ $name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "gantry.labels" . | nindent 4 }}
    {{- with $v.labels }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- with $v.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  replicas: {{ $v.replicas }}
  serviceName: {{ $name }}{{ if .port }}-pods{{ end }}
  podManagementPolicy: Parallel
  selector:
    matchLabels: {{- include "gantry.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "gantry.labels" . | nindent 8 }}
        {{- with $v.podLabels }}{{ toYaml . | nindent 8 }}{{ end }}
      annotations:
        checksum/config: {{ $config | sha256sum }}
        {{- with $v.podAnnotations }}{{ toYaml . | nindent 8 }}{{ end }}
    spec:
      serviceAccountName: {{ $account }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ $v.terminationGracePeriodSeconds }}
      securityContext: {{- toYaml $v.podSecurityContext | nindent 8 }}
      {{- with .root.Values.image.pullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- with $v.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.affinity }}
      affinity: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.topologySpreadConstraints }}
      topologySpreadConstraints: {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .process }}
          image: {{ include "gantry.image" .root }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          args: [{{ .process }}]
          securityContext: {{- toYaml $v.securityContext | nindent 12 }}
          env:
            {{- toYaml .env | nindent 12 }}
            {{- if $v.caBundle }}
            - { name: NODE_EXTRA_CA_CERTS, value: /etc/gantry-ca/ca.crt }
            - { name: GIT_SSL_CAINFO, value: /etc/gantry-ca/ca.crt }
            {{- end }}
            {{- with $v.env }}{{ toYaml . | nindent 12 }}{{ end }}
          {{- with $v.envFrom }}
          envFrom: {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- if .port }}
          ports:
            - { name: http, containerPort: {{ .port }} }
          {{- end }}
          {{- $root := . }}
          {{- range $kind := list "startup" "liveness" "readiness" }}
          {{ $kind }}Probe:
            {{- if $root.port }}
            httpGet: { path: {{ ternary "/readyz" "/livez" (eq $kind "readiness") }}, port: http{{ if $root.root.Values.tls.enabled }}, scheme: HTTPS{{ end }} }
            {{- else }}
            exec: { command: [gantry-entry, {{ ternary "ready" "health" (eq $kind "readiness") }}, {{ $root.process }}] }
            {{- end }}
            {{- toYaml (get $v.probes $kind) | nindent 12 }}
          {{- end }}
          resources: {{- toYaml $v.resources | nindent 12 }}
          volumeMounts:
            - { name: data, mountPath: /var/lib/gantry }
            - { name: tmp, mountPath: /tmp }
            - { name: config, mountPath: /etc/gantry, readOnly: true }
            {{- range $folder, $_ := .secrets }}
            - { name: secret-{{ $folder }}, mountPath: /run/secrets/{{ $folder }}, readOnly: true }
            {{- end }}
            {{- if $v.caBundle }}
            - { name: ca, mountPath: /etc/gantry-ca, readOnly: true }
            {{- end }}
            {{- with $v.extraVolumeMounts }}{{ toYaml . | nindent 12 }}{{ end }}
      volumes:
        - { name: tmp, emptyDir: {} }
        - { name: config, configMap: { name: {{ $name }} } }
        {{- range $folder, $secret := .secrets }}
        - name: secret-{{ $folder }}
          secret: {{- toYaml $secret | nindent 12 }}
        {{- end }}
        {{- with $v.caBundle }}
        - name: ca
          {{- if .configMap }}
          configMap: { name: {{ .configMap }}, items: [{ key: {{ default "ca.crt" .key }}, path: ca.crt }] }
          {{- else }}
          secret: { secretName: {{ .secret }}, items: [{ key: {{ default "ca.crt" .key }}, path: ca.crt }] }
          {{- end }}
        {{- end }}
        {{- if not $v.persistence.enabled }}
        - { name: data, emptyDir: {} }
        {{- end }}
        {{- with $v.extraVolumes }}{{ toYaml . | nindent 8 }}{{ end }}
  {{- if $v.persistence.enabled }}
  volumeClaimTemplates:
    - metadata:
        name: data
        labels: {{- include "gantry.selector" . | nindent 10 }}
        {{- with $v.persistence.annotations }}
        annotations: {{- toYaml . | nindent 10 }}
        {{- end }}
      spec:
        accessModes: [ReadWriteOnce]
        {{- with $v.persistence.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources: { requests: { storage: {{ $v.persistence.size }} } }
  {{- end }}
{{ include "gantry.network" (merge (dict "name" $name) .) }}
{{- if and $v.podDisruptionBudget.enabled (gt (int $v.replicas) 1) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "gantry.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ $v.podDisruptionBudget.maxUnavailable }}
  selector:
    matchLabels: {{- include "gantry.selector" . | nindent 6 }}
{{- end }}
{{- end -}}
