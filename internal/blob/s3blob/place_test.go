package s3blob_test

import (
	"strings"
	"testing"

	"github.com/satchel-files/satchel/internal/blob/s3blob"
)

func TestParsePlace(t *testing.T) {
	for text, want := range map[string]string{
		"s3://files": "s3://files/",
		"s3://files/a/b/?region=eu-central-1&endpoint=https://minio.example.com:9000": "s3://files/a/b/ at https://minio.example.com:9000",
		"s3://files/a?endpoint=http%3A%2F%2F127.0.0.1%3A7070%2F":                      "s3://files/a/ at http://127.0.0.1:7070",
	} {
		place, err := s3blob.ParsePlace(text)
		if err != nil || place.String() != want {
			t.Errorf("%s: %s, %v; want %s", text, place, err, want)
		}
	}
	place, err := s3blob.ParsePlace("s3://files/a?region=eu-central-1")
	if err != nil || place.Bucket != "files" || place.Prefix != "a/" || place.Region != "eu-central-1" || place.Endpoint.String() != "https://s3.amazonaws.com" {
		t.Errorf("%+v, %v", place, err)
	}
}

func TestParsePlaceFindsAllFaults(t *testing.T) {
	for text, want := range map[string][]string{
		"files":                        {"no URL of a bucket"},
		"http://files":                 {"no URL of a bucket"},
		"s3://":                        {"no name of a bucket"},
		"s3://Files_X":                 {"no name of a bucket"},
		"s3://files//a":                {"an empty part"},
		"s3://files/../a":              {"of dots"},
		"s3://files?endpoint=ftp://x":  {"its endpoint is none"},
		"s3://files?endpoint=x:1":      {"its endpoint is none"},
		"s3://files?endpoint=https://": {"its endpoint is none"},
		"s3://files?endpoint=https://h/path&region=a&region=b&part=1#x": {
			"more than a scheme, a host and a port", `"region" is given twice`, `"part" means nothing`, "fragment",
		},
		"s3://key:hidden@FILES?acl=a": {"keys have no place", "no name of a bucket", `"acl" means nothing`},
	} {
		_, err := s3blob.ParsePlace(text)
		if err == nil {
			t.Errorf("%s was accepted", text)
			continue
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v; it should say %q", text, err, part)
			}
		}
		if strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: the error shows a secret: %v", text, err)
		}
	}
}
