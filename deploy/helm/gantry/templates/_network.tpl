{{/* Services and network policies of a process. Takes the arguments of gantry.process, and name. */}}
{{- define "gantry.network" -}}
{{- $v := .values -}}
{{- $root := .root -}}
{{- if .port }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "gantry.labels" . | nindent 4 }}
  {{- with $v.service.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ $v.service.type }}
  selector: {{- include "gantry.selector" . | nindent 4 }}
  ports:
    - { name: http, port: {{ .port }}, targetPort: http, appProtocol: {{ include "gantry.scheme" .root }} }
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}-pods
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "gantry.labels" . | nindent 4 }}
    gantry.dev/metrics: "true"
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector: {{- include "gantry.selector" . | nindent 4 }}
  ports:
    - { name: http-metrics, port: {{ .port }}, targetPort: http, appProtocol: {{ include "gantry.scheme" .root }} }
{{- end }}
{{- if $v.networkPolicy.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "gantry.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "gantry.selector" . | nindent 6 }}
  policyTypes: [Ingress]
  {{- if .port }}
  ingress:
    - ports: [{ port: http }]
      {{- if or .from $v.networkPolicy.from }}
      from:
        {{- range .from }}
        - podSelector:
            matchLabels: {{- include "gantry.selector" (dict "root" $root "component" .) | nindent 14 }}
        {{- end }}
        {{- with $v.networkPolicy.from }}{{ toYaml . | nindent 8 }}{{ end }}
      {{- end }}
  {{- else }}
  ingress: []
  {{- end }}
{{- end }}
{{- if and .port $v.ingress.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "gantry.labels" . | nindent 4 }}
  {{- with $v.ingress.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with $v.ingress.className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- with $v.ingress.tlsSecret }}
  tls: [{ hosts: [{{ $v.ingress.host }}], secretName: {{ . }} }]
  {{- end }}
  rules:
    - host: {{ required "ingress.host: the name that the ingress answers to" $v.ingress.host }}
      http:
        paths:
          {{- range .paths }}
          - path: {{ . }}
            pathType: Prefix
            backend: { service: { name: {{ $.name }}, port: { name: http } } }
          {{- end }}
{{- end }}
{{- if and .port $v.metrics.serviceMonitor.enabled }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "gantry.labels" . | nindent 4 }}
    {{- with $v.metrics.serviceMonitor.labels }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  selector:
    matchLabels:
      {{- include "gantry.selector" . | nindent 6 }}
      gantry.dev/metrics: "true"
  endpoints:
    - port: http-metrics
      path: /metrics
      interval: {{ $v.metrics.serviceMonitor.interval }}
      {{- if $root.Values.tls.enabled }}
      scheme: https
      tlsConfig:
        serverName: {{ .name }}
        ca: { secret: { name: {{ get $root.Values.tls.secrets (camelcase (replace "-" "_" .component) | untitle) }}, key: ca.crt } }
      {{- end }}
      {{- with $v.metrics.serviceMonitor.tokenSecret }}
      authorization: { credentials: { name: {{ .name }}, key: {{ default "token" .key }} } }
      {{- end }}
{{- end }}
{{- end -}}
