package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// ContentOptions ask for a part of a file's bytes. The zero value asks for all of them.
type ContentOptions struct {
	Offset int64  // first byte
	Length int64  // number of bytes; 0: to the end
	IfETag string // give the part only while the content has this ETag, else all of it
}

// Content is a file's bytes on their way. The caller closes Body; reading less than Length bytes from it is an error of the
// connection.
type Content struct {
	Body   io.ReadCloser
	Offset int64 // of Body's first byte; 0 when the server gave everything although a part was asked for
	Length int64 // of Body; -1: unknown
	ETag   string
	Type   string // Content-Type
}

// Content opens a file's bytes. A range that begins behind the end is an *Error with status 416.
func (c *Client) Content(ctx context.Context, id string, o ContentOptions) (*Content, error) {
	return c.download(ctx, c.fileCall(http.MethodGet, id, "/content"), o)
}

// Text opens the text that was found in a file, UTF-8, with a form feed between two pages. Without a text, or before there is one, it is an *Error
// with status 404 and code no_text.
func (c *Client) Text(ctx context.Context, id string, o ContentOptions) (*Content, error) {
	return c.download(ctx, c.fileCall(http.MethodGet, id, "/text"), o)
}

func (c *Client) download(ctx context.Context, k call, o ContentOptions) (*Content, error) {
	k.header = o.header()
	var content *Content
	err := c.attempt(ctx, k, func(r *http.Response) error {
		offset, err := firstByte(r)
		if err != nil {
			_ = r.Body.Close()
			return err
		}
		content = &Content{
			Body: r.Body, Offset: offset, Length: r.ContentLength,
			ETag: r.Header.Get("ETag"), Type: r.Header.Get("Content-Type"),
		}
		return nil
	})
	return content, err
}

func (o ContentOptions) header() http.Header {
	h := http.Header{}
	if o.Offset == 0 && o.Length == 0 {
		return h
	}
	last := ""
	if o.Length > 0 {
		last = strconv.FormatInt(o.Offset+o.Length-1, 10)
	}
	h.Set("Range", fmt.Sprintf("bytes=%d-%s", o.Offset, last))
	if o.IfETag != "" {
		h.Set("If-Range", o.IfETag)
	}
	return h
}

// firstByte reads where the body begins.
func firstByte(r *http.Response) (int64, error) {
	if r.StatusCode != http.StatusPartialContent {
		return 0, nil
	}
	text := r.Header.Get("Content-Range")
	first, _, _ := strings.Cut(strings.TrimPrefix(text, "bytes "), "-")
	offset, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the server sent a part without saying which: Content-Range %q", text)
	}
	return offset, nil
}
