{{- define "gantry.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "gantry.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "gantry.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "gantry.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The labels by which pods are chosen. Takes {root, component}. */}}
{{- define "gantry.selector" -}}
app.kubernetes.io/name: {{ include "gantry.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "gantry.labels" -}}
{{ include "gantry.selector" . }}
app.kubernetes.io/part-of: gantry
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "gantry.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* How pods of the release talk to each other. */}}
{{- define "gantry.scheme" -}}
{{ ternary "https" "http" .Values.tls.enabled }}
{{- end -}}

{{/* With TLS, the files of a process: its own certificate, and the authority of the others. Takes {root, secret, name}. */}}
{{- define "gantry.tlsConfig" -}}
{{- if .root.Values.tls.enabled -}}
{{- $_ := required (printf "tls.secrets.%s: name the Secret with tls.crt, tls.key and ca.crt of this process" .name) .secret -}}
tls: { cert: /run/secrets/tls/tls.crt, key: /run/secrets/tls/tls.key }
{{- end -}}
{{- end -}}

{{/* The address of the task-agent for the other processes of the release. */}}
{{- define "gantry.agentUrl" -}}
{{ include "gantry.scheme" . }}://{{ include "gantry.fullname" . }}-task-agent:7001
{{- end -}}

{{- define "gantry.notifyUrl" -}}
{{ include "gantry.scheme" . }}://{{ include "gantry.fullname" . }}-notify-agent:7002
{{- end -}}

{{/* An environment variable that names the file of a mounted secret. */}}
{{- define "gantry.platformToken" -}}
{{- required "secrets.platformToken.existingSecret: name the Secret that holds the token which task-agent, notify-agent and portal-api share" .Values.secrets.platformToken.existingSecret -}}
{{- end -}}
