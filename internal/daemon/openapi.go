package daemon

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/satchel-files/satchel/internal/httpapi"
)

// OpenAPI gives the API's OpenAPI 3.1 document as YAML. It is that of a server without a size limit.
func OpenAPI() ([]byte, error) {
	return httpapi.New(httpapi.Config{Metrics: prometheus.NewRegistry()}).Document().YAML()
}
