package main

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

func TestReady(t *testing.T) {
	c := newCLI(t)
	c.fails(exitUsage, "ready", "--url", "ftp://example.org")
	c.fails(exitServer, "ready", "--url", "http://127.0.0.1:1", "--wait", "300ms")
	url := c.start()
	c.ok("ready", "--url", url)
	c.golden("ready.txt")
}

// TestReadyAfterAWhile has a server that begins to be ready when it is asked for the third time.
func TestReadyAfterAWhile(t *testing.T) {
	c := newCLI(t)
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("it is given a token that it does not need")
		}
		w.Header().Set("Content-Type", "application/json")
		if asked.Add(1)%3 != 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"error":{"message":"the database does not answer","code":"unavailable","type":"server_error","param":null}}`))
			return
		}
		_, _ = w.Write([]byte(`{"status":"ok"}`))
	}))
	t.Cleanup(server.Close)
	c.fails(exitServer, "ready", "--url", server.URL)
	asked.Store(0)
	c.ok("ready", "--url", server.URL, "--wait", "1m")
	if n := asked.Load(); n != 3 {
		t.Errorf("it was asked %d times", n)
	}
}
