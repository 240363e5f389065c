//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// gateway starts an S3 server on an empty folder. It runs until the end of the measure.
func (b *bench) gateway(ctx context.Context) (*versitygw, error) {
	s, err := b.versitygw()
	if err != nil {
		return nil, err
	}
	return s, b.begin(ctx, s)
}

// place names a folder in the server's bucket as Satchel does.
func (s *versitygw) place(prefix string) string {
	return "s3://" + gatewayBucket + "/" + prefix + "?" + url.Values{"endpoint": {"http://" + s.addr}, "region": {gatewayRegion}}.Encode()
}

// client gives a client of the server that is not Satchel's.
func (s *versitygw) client() (*minio.Client, error) {
	return minio.New(s.addr, &minio.Options{Creds: credentials.NewStaticV4(gatewayKey, gatewaySecret, ""), Region: gatewayRegion})
}

// clear removes everything from the bucket.
func (s *versitygw) clear() error {
	bucket := filepath.Join(s.dir, "data", gatewayBucket)
	return errors.Join(os.RemoveAll(bucket), os.Mkdir(bucket, 0o755))
}

// content is so many bytes of the pattern, again and again. Several may read it at once.
type content struct {
	pattern *os.File
	size    int64
}

// ReadAt implements io.ReaderAt.
func (c content) ReadAt(b []byte, at int64) (n int, err error) {
	for n < len(b) && err == nil {
		if at >= c.size {
			return n, io.EOF
		}
		from := at % patternSize
		some := min(int64(len(b)-n), patternSize-from, c.size-at)
		var read int
		read, err = c.pattern.ReadAt(b[n:n+int(some)], from)
		n, at = n+read, at+int64(read)
	}
	return n, err
}

// reader reads the content from its beginning; minio-go sends parts of it at once, because it is an io.ReaderAt too.
func (c content) reader() *io.SectionReader { return io.NewSectionReader(c, 0, c.size) }

// bucketUploads sends one large file to the bucket, through Satchel and without it.
func (b *bench) bucketUploads(ctx context.Context) ([]contestant, error) {
	s3, ours, err := b.inBucket(ctx, 1)
	if err != nil {
		return nil, err
	}
	bare, err := s3.client()
	if err != nil {
		return nil, err
	}
	pattern, err := os.Open(b.pattern.path)
	if err != nil {
		return nil, err
	}
	source := content{pattern, b.large}
	var last stored
	return []contestant{
		{
			name: "satchel",
			run: func(ctx context.Context) (float64, error) {
				return b.rate(func() (err error) {
					last, err = ours[0].uploadPlainly(ctx, source)
					return err
				})
			},
			tidy: func() error {
				_, err := b.call(ours[0], ours[0].remove(last))
				return err
			},
		},
		{
			name: bareClient,
			run: func(ctx context.Context) (float64, error) {
				return b.rate(func() error {
					_, err := bare.PutObject(ctx, gatewayBucket, "bare", source.reader(), b.large, minio.PutObjectOptions{})
					return err
				})
			},
			tidy: func() error {
				return bare.RemoveObject(context.Background(), gatewayBucket, "bare", minio.RemoveObjectOptions{})
			},
		},
	}, nil
}

const bareClient = "minio-go alone"

// rate gives MB/s for something that moves one large file.
func (b *bench) rate(move func() error) (float64, error) {
	begin := time.Now()
	if err := move(); err != nil {
		return 0, err
	}
	return megabytes(b.large) / time.Since(begin).Seconds(), nil
}

// uploadPlainly uploads one file with the HTTP client of Go, which minio-go has too.
func (s *satchelServer) uploadPlainly(ctx context.Context, c content) (stored, error) {
	header, prefix, suffix := form("file", "purpose", "evals")
	body := io.MultiReader(strings.NewReader(prefix), c.reader(), strings.NewReader(suffix))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.addr+"/files", body)
	if err != nil {
		return stored{}, err
	}
	request.ContentLength = int64(len(prefix)) + c.size + int64(len(suffix))
	for line := range strings.SplitSeq(strings.TrimSpace(satchelAuth+header), "\r\n") {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return stored{}, err
	}
	defer response.Body.Close()
	answered, err := io.ReadAll(response.Body)
	a := answer{status: response.StatusCode, body: answered}
	if err = errors.Join(err, expect2xx(a, nil)); err != nil {
		return stored{}, err
	}
	return s.stored(a)
}

// bucketDownloads fetches one large file from the bucket: through Satchel, by its redirect, and without it.
func (b *bench) bucketDownloads(ctx context.Context) ([]contestant, error) {
	s3, ours, err := b.inBucket(ctx, 1)
	if err != nil {
		return nil, err
	}
	file, err := b.seedLarge(ours[0])
	if err != nil {
		return nil, err
	}
	redirecting := *ours[0]
	redirecting.env = append(redirecting.env[:len(redirecting.env):len(redirecting.env)], "SATCHEL_DOWNLOADS=redirect")
	if err := b.begin(ctx, &redirecting); err != nil {
		return nil, err
	}
	bare, err := s3.client()
	if err != nil {
		return nil, err
	}
	source, err := os.Open(b.pattern.path)
	if err != nil {
		return nil, err
	}
	defer source.Close() //nolint:errcheck // read only
	if _, err := bare.PutObject(ctx, gatewayBucket, "bare", content{source, b.large}.reader(), b.large, minio.PutObjectOptions{}); err != nil {
		return nil, err
	}
	return []contestant{
		{name: "satchel, through the server", run: func(ctx context.Context) (float64, error) { return b.fetchFrom(ctx, ours[0], file) }},
		{name: "satchel, by redirect", run: func(ctx context.Context) (float64, error) { return b.fetchFrom(ctx, &redirecting, file) }},
		{name: bareClient, run: func(ctx context.Context) (float64, error) {
			return b.rate(func() error {
				object, err := bare.GetObject(ctx, gatewayBucket, "bare", minio.GetObjectOptions{})
				if err != nil {
					return err
				}
				return errors.Join(b.drain(object), object.Close())
			})
		}},
	}, nil
}

// fetchFrom downloads the large file with the HTTP client of Go, which goes where it is sent.
func (b *bench) fetchFrom(ctx context.Context, s *satchelServer, file stored) (float64, error) {
	return b.rate(func() error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+file.content, nil)
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		return b.drain(response.Body)
	})
}

// drain reads a large file to its end.
func (b *bench) drain(body io.Reader) error {
	n, err := io.Copy(io.Discard, body)
	if err == nil && n != b.large {
		err = fmt.Errorf("%d bytes instead of %d", n, b.large)
	}
	return err
}

// bucketMemory measures what a server occupies, at most, while many large files go to the bucket at once.
func (b *bench) bucketMemory(ctx context.Context) ([]contestant, error) {
	s3, err := b.gateway(ctx)
	if err != nil {
		return nil, err
	}
	return []contestant{{
		name: b.crowdedName(),
		run: func(ctx context.Context) (float64, error) {
			ours, err := b.onBucket(ctx, s3, 1)
			if err != nil {
				return 0, err
			}
			defer ours[0].stop()
			crowd, err := b.crowd(ours[0], b.crowded)
			if err != nil {
				return 0, err
			}
			defer crowd.close()
			if _, err := crowd.each(b.crowded, func(c *conn, _ int) error { return expect2xx(c.ask(ours[0].uploadAsData(b.crowdedSize))) }); err != nil {
				return 0, err
			}
			return ours[0].proc.mostResident()
		},
		tidy: s3.clear,
	}}, nil
}

func (b *bench) crowdedName() string {
	return fmt.Sprintf("satchel, %d uploads of %s at once", b.crowded, size(b.crowdedSize))
}
