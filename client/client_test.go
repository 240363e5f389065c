package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
)

// serve starts a server for the test and gives a client of it that repeats without pauses.
func serve(t testing.TB, handler http.HandlerFunc, options ...client.Option) *client.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return client.New(server.URL+"/v1/", "secret", append([]client.Option{client.WithRetries(2, 0)}, options...)...)
}

func answer(t testing.TB, w http.ResponseWriter, value any) {
	t.Helper()
	if err := json.NewEncoder(w).Encode(value); err != nil {
		t.Error(err)
	}
}

func TestOperations(t *testing.T) {
	never := "null"
	name := "new.txt"
	tests := []struct {
		call func(context.Context, *client.Client) error
		want string // method, path with query, body
	}{
		{func(ctx context.Context, c *client.Client) error { _, err := c.Get(ctx, "file-1"); return err },
			"GET /v1/files/file-1?workspace=red"},
		{func(ctx context.Context, c *client.Client) error { _, err := c.Get(ctx, "a/../b?c"); return err },
			"GET /v1/files/a%2F..%2Fb%3Fc?workspace=red"},
		{func(ctx context.Context, c *client.Client) error {
			_, err := c.List(ctx, client.ListOptions{After: "file-1", Limit: 5, Order: "asc", Purpose: "batch", Filename: "a b",
				SHA256: "00", Metadata: json.RawMessage(`{"n":1}`), MetadataText: map[string]string{"pub[city]": "Riga"}})
			return err
		}, "GET /v1/files?after=file-1&filename=a+b&limit=5&metadata=%7B%22n%22%3A1%7D&metadata%5Bpub%5D%5Bcity%5D=Riga&order=asc&purpose=batch&sha256=00&workspace=red"},
		{func(ctx context.Context, c *client.Client) error {
			_, err := c.Update(ctx, "file-1", api.FileUpdate{Filename: &name})
			return err
		}, `POST /v1/files/file-1?workspace=red {"filename":"new.txt"}`},
		{func(ctx context.Context, c *client.Client) error { _, err := c.NeverExpire(ctx, "file-1"); return err },
			`POST /v1/files/file-1?workspace=red {"expires_after":` + never + `}`},
		{func(ctx context.Context, c *client.Client) error {
			_, err := c.PatchMetadata(ctx, "file-1", json.RawMessage(`{"a":null}`))
			return err
		}, `PATCH /v1/files/file-1/metadata?workspace=red {"a":null}`},
		{func(ctx context.Context, c *client.Client) error {
			_, err := c.ReplaceMetadata(ctx, "file-1", json.RawMessage(`{"a":1}`))
			return err
		}, `PUT /v1/files/file-1/metadata?replace=true&workspace=red {"a":1}`},
		{func(ctx context.Context, c *client.Client) error { return c.Delete(ctx, "file-1") },
			"DELETE /v1/files/file-1?workspace=red"},
		{func(ctx context.Context, c *client.Client) error {
			_, err := c.CreateToken(ctx, api.TokenRequest{User: "ada", Role: "viewer"})
			return err
		}, `POST /v1/tokens {"user":"ada","role":"viewer"}`},
		{func(ctx context.Context, c *client.Client) error { _, err := c.Tokens(ctx, "acme"); return err },
			"GET /v1/tokens?org=acme"},
		{func(ctx context.Context, c *client.Client) error { return c.DeleteToken(ctx, "tok-1") },
			"DELETE /v1/tokens/tok-1"},
	}
	for _, test := range tests {
		t.Run(test.want, func(t *testing.T) {
			var got string
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				var body json.RawMessage
				_ = json.NewDecoder(r.Body).Decode(&body)
				got = strings.TrimSpace(r.Method + " " + r.RequestURI + " " + string(body))
				for name, want := range map[string]string{"Authorization": "Bearer secret", "Prefer": "handling=strict", "User-Agent": "test"} {
					if r.Header.Get(name) != want {
						t.Errorf("%s is %q, want %q", name, r.Header.Get(name), want)
					}
				}
				answer(t, w, struct{}{})
			}, client.WithWorkspace("red"), client.WithStrict(), client.WithUserAgent("test"))
			if err := test.call(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	satchel := `{"error":{"message":"limit must be at most 10000","type":"invalid_request_error","param":"limit","code":"out_of_range"},` +
		`"detail":[{"loc":["query","limit"],"msg":"limit must be at most 10000","type":"out_of_range"}]}`
	tests := []struct {
		name, body string
		status     int
		want       client.Error
		text       string
	}{
		{"ours", satchel, 422,
			client.Error{Status: 422, Code: "out_of_range", Message: "limit must be at most 10000", Param: "limit", RequestID: "req-1",
				Details: []api.Detail{{Loc: []string{"query", "limit"}, Msg: "limit must be at most 10000", Type: "out_of_range"}}},
			"limit must be at most 10000 (HTTP 422 out_of_range, request req-1)"},
		{"nulls", `{"error":{"message":"no","type":"server_error","param":null,"code":null}}`, 403,
			client.Error{Status: 403, Message: "no", RequestID: "req-1"}, "no (HTTP 403, request req-1)"},
		{"a proxy's", "<html>Not Found</html>", 404,
			client.Error{Status: 404, Message: "Not Found, an answer that is not Satchel's", RequestID: "req-1"},
			"Not Found, an answer that is not Satchel's (HTTP 404, request req-1)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Request-Id", "req-1")
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			})
			_, err := c.Get(t.Context(), "file-1")
			var got *client.Error
			if !errors.As(err, &got) {
				t.Fatalf("%T: %v", err, err)
			}
			if err.Error() != test.text {
				t.Errorf("text %q, want %q", err, test.text)
			}
			public := client.Error{Status: got.Status, Code: got.Code, Message: got.Message, Param: got.Param, RequestID: got.RequestID, Details: got.Details}
			if !reflect.DeepEqual(public, test.want) {
				t.Errorf("got %+v, want %+v", public, test.want)
			}
		})
	}
}

func TestFilesWalksOverPages(t *testing.T) {
	var asked []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		after := r.URL.Query().Get("after")
		asked = append(asked, after)
		last := after + "x"
		answer(t, w, api.FileList{Data: []*api.File{{ID: last}}, LastID: &last, HasMore: len(asked) < 3})
	})
	var ids []string
	for file, err := range c.Files(t.Context(), client.ListOptions{Limit: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, file.ID)
	}
	if !reflect.DeepEqual(ids, []string{"x", "xx", "xxx"}) || !reflect.DeepEqual(asked, []string{"", "x", "xx"}) {
		t.Errorf("got %v by asking for %q", ids, asked)
	}
}

func TestFilesEndsWithAnError(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	rounds := 0
	for file, err := range c.Files(t.Context(), client.ListOptions{}) {
		rounds++
		if file != nil || err == nil {
			t.Errorf("got %v, %v", file, err)
		}
	}
	if rounds != 1 {
		t.Errorf("%d rounds", rounds)
	}
}

func TestUnreachable(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := client.New(server.URL, "", client.WithRetries(1, time.Nanosecond)).Get(t.Context(), "file-1")
	if _, ok := errors.AsType[*client.ConnectionError](err); !ok {
		t.Errorf("%T: %v", err, err)
	}
}
