package rpc

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"runtime"

	"github.com/posnet/posnet/node/rpc/message"
)

// apiVersion grows with changes of the API that old clients would notice.
const apiVersion = 1

//go:embed landing.html
var landingHTML string

// landingPage tells a person with a browser what listens here.
func landingPage(version string) []byte {
	type row struct{ Name, Args, Help string }
	data := struct {
		Version    string
		Operations []row
	}{Version: version}
	for _, o := range operations {
		args := ""
		if len(o.args) > 0 {
			args = o.allowed()
		}
		data.Operations = append(data.Operations, row{string(o.name), args, o.help})
	}
	var b bytes.Buffer
	if err := template.Must(template.New("landing").Parse(landingHTML)).Execute(&b, data); err != nil {
		panic("rpc: the landing page does not fit its data: " + err.Error()) // both are of this package
	}
	return b.Bytes()
}

// ServeHTTP implements http.Handler. It works while Serve runs.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	pages := map[string]http.HandlerFunc{
		"/": s.landing, "/healthz": s.healthz, "/readyz": s.readyz, "/version": s.version, "/ws": s.websocket,
	}
	page := pages[r.URL.Path]
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Access-Control-Allow-Origin", "*") // for the same reason as upgrader
	switch {
	case page == nil:
		writeError(w, http.StatusNotFound, message.Errorf(message.StatusNotFound,
			"There is no page %s: there are /, /healthz, /readyz, /version, and /ws for websockets", quote(r.URL.Path)))
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		writeError(w, http.StatusMethodNotAllowed, message.Errorf(http.StatusMethodNotAllowed, "%s takes GET only; operations go over the websocket at /ws", r.URL.Path))
	default:
		page(w, r)
	}
}

func (s *Server) landing(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	write(w, http.StatusOK, "text/html; charset=utf-8", s.page)
}

// healthz says that the process serves: whoever asks and gets an answer knows.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, "text/plain; charset=utf-8", []byte("ok\n"))
}

// readyz says whether the node is caught up with its peers.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	status, text := http.StatusOK, "ready\n"
	if err := s.backend.Ready(); err != nil {
		status, text = http.StatusServiceUnavailable, err.Error()+"\n"
	}
	write(w, status, "text/plain; charset=utf-8", []byte(text))
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) {
	var b bytes.Buffer
	if err := encode(&b, message.Version{Version: s.options.Version, Go: runtime.Version(), API: apiVersion}); err != nil {
		writeError(w, http.StatusInternalServerError, refusal(err))
		return
	}
	b.WriteByte('\n')
	write(w, http.StatusOK, "application/json", b.Bytes())
}

func writeError(w http.ResponseWriter, status int, e *message.Error) {
	write(w, status, "application/json", append(errorAnswer(e, nil), '\n'))
}

func write(w http.ResponseWriter, status int, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone needs no answer
}
