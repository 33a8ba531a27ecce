{{/* One operator serves a cluster, so its objects have fixed names. */}}

{{- define "posnet.selector" -}}
app.kubernetes.io/name: posnet-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "posnet.labels" -}}
{{ include "posnet.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: posnet
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "posnet.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
