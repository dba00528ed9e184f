{{- define "quotes.name" -}}
{{ .Release.Name }}-quotes
{{- end }}
