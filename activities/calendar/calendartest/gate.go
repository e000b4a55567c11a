package calendartest

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// Gate stands before a server: it asks for tokens, counts what is written, loses answers and fails as it is told.
type Gate struct {
	Next    http.Handler
	Issuer  *Issuer                                             // nil leaves authorization to the server
	IsRead  func(*http.Request) bool                            // besides GET
	Failure func(w http.ResponseWriter, status int, why string) // as the provider writes it

	mu     sync.Mutex
	writes int
	lose   bool
	before func()
	fail   *failing
}

type failing struct {
	status int
	header map[string]string
	times  int
}

// ServeHTTP lets a request through, or not.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f := g.failing(); f != nil {
		for name, value := range f.header {
			w.Header().Set(name, value)
		}
		g.Failure(w, f.status, "")
		return
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); g.Issuer != nil && (!ok || !g.Issuer.Use(token)) {
		g.Failure(w, http.StatusUnauthorized, "")
		return
	}
	if r.Method == http.MethodGet || g.IsRead(r) {
		g.Next.ServeHTTP(w, r)
		return
	}
	if before := g.takeBefore(); before != nil {
		before()
	}
	answer := httptest.NewRecorder()
	g.Next.ServeHTTP(answer, r)
	if g.wrote(answer.Code) {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (g *Gate) failing() *failing {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.fail
	if f == nil || f.times == 0 {
		return nil
	}
	f.times--
	return f
}

func (g *Gate) takeBefore() func() {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.before
	g.before = nil
	return before
}

func (g *Gate) wrote(status int) (lost bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if status < 300 {
		g.writes++
	}
	lost, g.lose = g.lose, false
	return lost
}

// Writes is how many changes were taken.
func (g *Gate) Writes() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.writes
}

// LoseAnswer closes the connection after the next change was taken.
func (g *Gate) LoseAnswer() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lose = true
}

// BeforeWrite runs something once, before the next change is taken.
func (g *Gate) BeforeWrite(do func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.before = do
}

// Fail answers the next requests with a status.
func (g *Gate) Fail(status int, header map[string]string, times int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fail = &failing{status, header, times}
}
