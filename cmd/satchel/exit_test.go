package main

import (
	"errors"
	"net/url"
	"testing"

	"github.com/satchel-files/satchel/client"
)

func TestDescribeABrokenConnection(t *testing.T) {
	cause := &url.Error{Op: "Post", URL: "http://example.org/files", Err: errors.New("connection reset by peer")}
	tests := []struct {
		sending bool
		want    string
	}{
		{false, "satchel: a: no answer from http://example.org: connection reset by peer\n" +
			"  Is `satchel serve` running there? --url or SATCHEL_URL names another server.\n"},
		{true, "satchel: a: http://example.org closed the connection while the file was being sent: connection reset by peer\n" +
			"  Is it larger than the server takes (its --max-file-bytes)? The server's log knows.\n"},
	}
	for _, test := range tests {
		if got := describe("satchel: a: ", &client.ConnectionError{Err: cause, Sending: test.sending}); got != test.want {
			t.Errorf("got %s", got)
		}
	}
}
