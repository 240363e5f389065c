package s3blob

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"

	"github.com/minio/minio-go/v7"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
)

// failure says in the words of package blob what an error of the server means. ctx is the caller's: when it is over, that is the reason.
// Everything that may pass by itself, or be set right without a change of the data, is satchel.CodeUnavailable.
func failure(ctx context.Context, what string, err error) error {
	var known *satchel.Error
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("s3blob: %s: %w", what, context.Cause(ctx))
	case errors.As(err, &known):
		return fmt.Errorf("s3blob: %s: %w", what, err)
	case isMissing(err):
		return fmt.Errorf("s3blob: %s: %w: %w", what, blob.ErrNotExist, err)
	case isFull(err):
		return fmt.Errorf("s3blob: %s: %w: %w", what, blob.ErrNoSpace, err)
	case mayPass(err):
		return &satchel.Error{
			Code: satchel.CodeUnavailable, Message: "the storage of files cannot be reached at the moment; try again", Err: fmt.Errorf("s3blob: %s: %w", what, err),
		}
	}
	return fmt.Errorf("s3blob: %s: %w", what, err)
}

// answered gives what the server answered, if the error is an answer.
func answered(err error) (minio.ErrorResponse, bool) { return errors.AsType[minio.ErrorResponse](err) }

func hasCode(err error, codes ...string) bool {
	response, ok := answered(err)
	return ok && slices.Contains(codes, response.Code)
}

func isMissing(err error) bool { return hasCode(err, minio.NoSuchKey) }

func isGoneUpload(err error) bool { return hasCode(err, minio.NoSuchUpload) }

// isFull knows the ways in which servers say that there is no room.
func isFull(err error) bool {
	response, ok := answered(err)
	return ok && response.StatusCode == http.StatusInsufficientStorage ||
		hasCode(err, "QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage", "NoSpaceLeft")
}

// mayPass tells a server that is down, slow, overloaded or no longer lets us in from one that says that we are wrong.
func mayPass(err error) bool {
	response, ok := answered(err)
	if !ok {
		var ofNet net.Error
		var ofURL *url.Error
		return errors.As(err, &ofNet) || errors.As(err, &ofURL) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errCut)
	}
	switch response.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	}
	return response.StatusCode >= http.StatusInternalServerError ||
		hasCode(err, "SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "OperationAborted", minio.NoSuchBucket)
}

// silent tells a server that has taken a request and let all patience pass from one that cannot be reached.
func silent(err error) bool {
	var ofNet net.Error
	var dialing *net.OpError
	return errors.As(err, &ofNet) && ofNet.Timeout() && (!errors.As(err, &dialing) || dialing.Op != "dial")
}

// worthAnotherTry tells what may be over in a second from what is not. Whoever was silent for long is not waited for once more: a client waits as well.
func worthAnotherTry(err error) bool {
	response, ok := answered(err)
	return mayPass(err) && !silent(err) && (!ok || response.StatusCode != http.StatusUnauthorized && response.StatusCode != http.StatusForbidden) &&
		!isFull(err) && !hasCode(err, minio.NoSuchBucket)
}

// advice says at the start what to do about an error of the server, "" if that is not known.
func advice(err error, p Place) string {
	switch {
	case hasCode(err, minio.NoSuchBucket):
		return fmt.Sprintf("there is no bucket %s; make it first", p.Bucket)
	case hasCode(err, "InvalidAccessKeyId", "XAdminUserNotFound"): // the second one is what versitygw says
		return "the server does not know the access key; look at AWS_ACCESS_KEY_ID, or the credentials file"
	case hasCode(err, "SignatureDoesNotMatch"):
		return "the secret key is wrong; look at AWS_SECRET_ACCESS_KEY, or the credentials file"
	case hasCode(err, "ExpiredToken", "InvalidToken"):
		return "the session token is no longer valid; renew AWS_SESSION_TOKEN"
	case hasCode(err, "RequestTimeTooSkewed"):
		return "the clocks of this machine and of the server differ by too much"
	case hasCode(err, minio.AccessDenied):
		return "the keys do not allow s3:ListBucket on the bucket; give them the permissions in docs/operations.md"
	case hasCode(err, "AuthorizationHeaderMalformed", "PermanentRedirect", minio.InvalidRegion):
		return "the bucket is in another region; name it with region="
	case mayPass(err):
		return "the endpoint does not answer as a server should; is it right, and running?"
	}
	return ""
}
