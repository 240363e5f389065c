package s3blob

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7/pkg/s3utils"
)

// Scheme begins the URL of a bucket.
const Scheme = "s3"

// amazon is the endpoint where none is named.
const amazon = "https://s3.amazonaws.com"

// Place says where objects lie. Make one with ParsePlace.
type Place struct {
	Bucket   string
	Prefix   string   // of the keys: empty, or ending with "/"
	Endpoint *url.URL // scheme and host alone
	Region   string   // empty: the server is asked for it
}

// ParsePlace reads s3://bucket/prefix?endpoint=https://host:port&region=name. Without an endpoint it is Amazon's. The error joins
// everything that is wrong with the text, and repeats nothing of it that could be a secret.
func ParsePlace(text string) (Place, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != Scheme {
		return Place{}, errors.New("it is no URL of a bucket; write s3://bucket/prefix?endpoint=https://host:port&region=name")
	}
	query, err := url.ParseQuery(u.RawQuery)
	faults := []error{err}
	if u.User != nil {
		faults = append(faults, errors.New("keys have no place in the URL; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"))
	}
	if u.Fragment != "" {
		faults = append(faults, errors.New("it has a fragment (#…), which means nothing"))
	}
	p := Place{Bucket: u.Host, Prefix: prefixOf(u.Path), Region: query.Get("region")}
	if s3utils.CheckValidBucketNameStrict(p.Bucket) != nil {
		faults = append(faults, fmt.Errorf("%q is no name of a bucket", p.Bucket))
	}
	if strings.Contains("/"+p.Prefix, "//") || strings.Contains("/"+p.Prefix, "/../") || strings.Contains("/"+p.Prefix, "/./") {
		faults = append(faults, fmt.Errorf("the prefix %q has an empty part, or one of dots", p.Prefix))
	}
	p.Endpoint, err = parseEndpoint(query.Get("endpoint"))
	faults = append(faults, err, checkQuery(query))
	return p, errors.Join(faults...)
}

// prefixOf makes of a URL's path what keys begin with.
func prefixOf(path string) string {
	prefix := strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/")
	if prefix == "" {
		return ""
	}
	return prefix + "/"
}

func parseEndpoint(text string) (*url.URL, error) {
	if text == "" {
		text = amazon
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("its endpoint is none; write endpoint=https://host:port")
	}
	if u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("its endpoint has more than a scheme, a host and a port; write endpoint=https://host:port")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// checkQuery names the parameters that mean nothing, and those that come twice.
func checkQuery(query url.Values) error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch {
		case name != "endpoint" && name != "region":
			faults = append(faults, fmt.Errorf("its parameter %q means nothing; there are endpoint and region", name))
		case len(query[name]) > 1:
			faults = append(faults, fmt.Errorf("its parameter %q is given twice", name))
		}
	}
	return errors.Join(faults...)
}

// String names the place for people and logs. It holds no secret.
func (p Place) String() string {
	name := Scheme + "://" + p.Bucket + "/" + p.Prefix
	if p.Endpoint != nil && p.Endpoint.String() != amazon {
		name += " at " + p.Endpoint.String()
	}
	return name
}
