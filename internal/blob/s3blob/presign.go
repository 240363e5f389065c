package s3blob

import (
	"context"
	"net/url"
	"time"
)

// presignedLife is for how long a URL works: for the start of a download, not for its end.
const presignedLife = 5 * time.Minute

// Presign implements blob.Presigner.
func (o *object) Presign(ctx context.Context, contentType, disposition string) (string, error) {
	asked := url.Values{
		"response-content-type": {contentType}, "response-content-disposition": {disposition}, "response-cache-control": {"private, no-cache"},
	}
	signed, err := o.store.server.PresignedGetObject(ctx, o.store.place.Bucket, o.name, presignedLife, asked)
	if err != nil {
		return "", failure(ctx, "sign a URL", err)
	}
	return signed.String(), nil
}
