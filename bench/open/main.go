//go:build linux

// Command open is Satchel's API on a data folder without authentication: every request is the operator's. What authentication costs is the distance
// to it. It processes nothing and sweeps nothing, and is for nothing else.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/diskblob"
	"github.com/satchel-files/satchel/internal/files"
	"github.com/satchel-files/satchel/internal/httpapi"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
	"github.com/satchel-files/satchel/internal/tenant"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address")
	data := flag.String("data", "", "a data folder that a server has made, and that none uses")
	flag.Parse()
	if err := serve(context.Background(), *listen, *data); err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context, listen, data string) error {
	rows, err := sqlstore.OpenSQLite(ctx, sqlstore.Options{Path: filepath.Join(data, "satchel.db")})
	if err != nil {
		return err
	}
	disk, err := diskblob.Open(filepath.Join(data, "blobs"))
	if err != nil {
		return errors.Join(err, rows.Close())
	}
	who := tenant.New(tenant.Config{Store: rows})
	if err := who.Prepare(ctx); err != nil {
		return errors.Join(err, rows.Close())
	}
	everyone := who.Root()
	api := httpapi.New(httpapi.Config{
		Files: files.New(files.Config{Store: rows, Vault: blob.NewVault(disk, blob.Options{})}), Tenant: who, Metrics: prometheus.NewRegistry(),
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)), Everyone: &everyone,
	})
	return http.ListenAndServe(listen, api)
}
