package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/files"
	"github.com/satchel-files/satchel/internal/httpapi"
	"github.com/satchel-files/satchel/internal/maintain"
	"github.com/satchel-files/satchel/internal/meta"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
	"github.com/satchel-files/satchel/internal/tenant"
)

const (
	headerTimeout = 10 * time.Second // to send the head of a request
	keepAlive     = 2 * time.Minute  // an idle connection is kept for so long
	promptSweep   = 45 * time.Second // sweeps that come at least so often remove what is deleted within a minute
	maxHeader     = 256 << 10        // bytes of a request's head: a metadata filter may be 64 KiB, percent-encoded
)

// Daemon is a running Satchel. Open makes it, Run serves, Close gives everything back.
type Daemon struct {
	config     Config
	logger     *slog.Logger
	stores     *stores
	unlock     func() error
	tenant     *tenant.Service
	sweeper    *maintain.Sweeper
	workers    *workers // nil: this server has none
	tracing    *tracing // nil: nothing is traced
	api        *httpapi.API
	server     *http.Server
	listener   net.Listener
	profiler   *http.Server
	profiling  net.Listener
	firstToken string
}

// Open prepares a server on the data folder and listens, but answers nothing before Run. A second one on the same folder is refused. log receives the log.
func Open(ctx context.Context, c Config, log io.Writer) (_ *Daemon, err error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if os.Getenv(childVariable) != "" {
		return nil, errors.New("this process was started to read documents, and opens no server")
	}
	d := &Daemon{config: c, logger: newLogger(c, log)}
	if c.Program == "" {
		if d.config.Program, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("find the program that reads documents: %w", err)
		}
	}
	defer func() { //nolint:contextcheck // what was opened is closed whatever becomes of ctx
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	if err := d.open(ctx, prometheus.NewRegistry()); err != nil {
		return nil, err
	}
	if c.WorkOnly { // it needs no operator, and a server that comes later is to show the first token
		return d, nil
	}
	// Last, so that nothing can fail between the first token's birth and whoever is to see it.
	d.firstToken, err = d.tenant.Bootstrap(ctx)
	return d, err
}

// open opens the stores, what works on them, and the listener.
func (d *Daemon) open(ctx context.Context, registry *prometheus.Registry) (err error) {
	c, m := d.config, newMetrics(registry)
	if err := d.openData(ctx, m); err != nil {
		return err
	}
	vault := d.stores.vault(c)
	service := files.New(files.Config{Store: d.stores.rows, Vault: vault, Model: c.LLM.Configured(), MaxUpload: c.maxUpload()})
	d.tenant = tenant.New(tenant.Config{ //nolint:contextcheck // it loads keys for as long as it is open
		Store: d.stores.rows, RootToken: string(c.RootToken), Closed: c.Workspaces == "closed", Issuer: c.JWT.issuer(), Logger: d.logger,
	})
	if c.SweepInterval > promptSweep {
		d.logger.WarnContext(ctx, "sweeps come so rarely that what is deleted may stay on the disk for more than a minute", "interval", c.SweepInterval)
	}
	d.sweeper = d.newSweeper(vault, service, m)
	m.watch(registry, d.stores.rows, vault)
	m.watchConnections(registry, d.stores.rows)
	if !c.shared() { // this process is alone on its store: what uploads of the one before it held is nobody's
		if _, err := d.stores.rows.ForgetReservations(ctx, time.Now().Add(files.ReservationTime)); err != nil {
			return err
		}
	}
	if d.tracing, err = d.openTracing(ctx); err != nil {
		return err
	}
	if d.workers, err = d.openWorkers(service, registry); err != nil {
		return err
	}
	return d.openAPI(ctx, service, registry)
}

// openAPI listens for whoever the process is there for: clients, or, where it only works, those who watch it.
func (d *Daemon) openAPI(ctx context.Context, service *files.Service, registry *prometheus.Registry) error {
	c := d.config
	proxies, err := c.proxies()
	if err != nil {
		return err
	}
	d.api = httpapi.New(httpapi.Config{
		Files: service, Tenant: d.tenant, Ready: d.stores.ready, Metrics: registry, Logger: d.logger,
		MaxFile: int64(c.MaxFileBytes), IdleTimeout: c.IdleTimeout, Origins: c.Origins, Proxies: proxies,
		RateLimit: c.RateLimit, SigninLimit: c.SigninLimit, Redirect: c.Downloads == downloadsRedirect,
	})
	if c.WorkOnly {
		return d.listen(ctx, d.api.System())
	}
	return d.listen(ctx, d.api)
}

// openData takes the data folder for this process and opens the stores in it.
func (d *Daemon) openData(ctx context.Context, m *metrics) (err error) {
	if err := makeFolder(d.config.Data); err != nil {
		return err
	}
	acquire := maintain.AcquireServer
	if d.config.shared() {
		acquire = maintain.JoinServers
	}
	if d.unlock, err = acquire(d.config.Data); err != nil {
		return err
	}
	if d.stores, err = openRows(ctx, d.config, sqlstore.Options{Logger: d.logger, OnCommit: m.commit}); err != nil {
		return err
	}
	return d.stores.openBlobs(ctx, d.config, true)
}

func (d *Daemon) newSweeper(vault *blob.Vault, service *files.Service, m *metrics) *maintain.Sweeper {
	turns, _ := d.stores.rows.(meta.Turns)
	var age time.Duration
	if d.config.shared() {
		age = maintain.SharedAge
	}
	return maintain.NewSweeper(maintain.SweeperConfig{
		Store: d.stores.rows, Blobs: d.stores.blobs, InUse: vault.InUse, Held: vault.Held, Exclusive: !d.config.shared(), Turns: turns, Age: age,
		Expire:    func(ctx context.Context) (int, error) { return d.removeFiles(ctx, service) },
		Lock:      func() (func(), bool) { return maintain.TryLockSweep(d.config.Data) },
		AuditLife: time.Duration(d.config.AuditDays) * 24 * time.Hour,
		Interval:  d.config.SweepInterval, Logger: d.logger, Observe: m.sweep,
	})
}

// maxUpload is how old what an upload has sent may be when its files are made. Other servers take what is older, and no row names, for left over.
func (c Config) maxUpload() time.Duration {
	if c.shared() {
		return maintain.SharedAge - time.Hour
	}
	return 0
}

// removeFiles deletes the files whose time is over, and those of workspaces that are being deleted.
func (d *Daemon) removeFiles(ctx context.Context, service *files.Service) (removed int, err error) {
	expired, err := service.Expire(ctx, d.stores.rows)
	if err != nil {
		return expired, err
	}
	cleared, err := service.Clear(ctx, d.stores.rows)
	return expired + cleared, err
}

func (d *Daemon) listen(ctx context.Context, handler http.Handler) (err error) {
	var lc net.ListenConfig
	if d.listener, err = lc.Listen(ctx, "tcp", d.config.Listen); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	d.server = d.newServer(d.tracing.wrap(handler))
	d.server.RegisterOnShutdown(d.api.StopWaiting)
	if err := d.useTLS(); err != nil {
		return err
	}
	if d.config.PprofListen == "" {
		return nil
	}
	if d.profiling, err = lc.Listen(ctx, "tcp", d.config.PprofListen); err != nil {
		return fmt.Errorf("listen for the profiler: %w", err)
	}
	d.profiler = d.newServer(profilerHandler())
	return nil
}

// useTLS has the server speak TLS if there is a certificate. HTTP/1.1 only: files go through one connection each, and the kernel copies nothing anyway.
func (d *Daemon) useTLS() error {
	if d.config.TLSCert == "" {
		return nil
	}
	c, err := newCertificate(d.config.TLSCert, d.config.TLSKey, d.logger)
	if err != nil {
		return err
	}
	d.server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
	d.server.Protocols = new(http.Protocols)
	d.server.Protocols.SetHTTP1(true)
	return nil
}

func (d *Daemon) newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, IdleTimeout: keepAlive, MaxHeaderBytes: maxHeader, DisableGeneralOptionsHandler: true,
		ErrorLog: slog.NewLogLogger(d.logger.Handler(), slog.LevelDebug), // what clients do to connections is no news
	}
}

func profilerHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// URL is where the server answers. A server that listens on all addresses is named by the loopback one.
func (d *Daemon) URL() string {
	host, port, _ := net.SplitHostPort(d.listener.Addr().String()) // a listener's address is well formed
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme := "http://"
	if d.config.TLSCert != "" {
		scheme = "https://"
	}
	return scheme + net.JoinHostPort(host, port)
}

// PublicURL is where clients reach the server: what was configured, or else URL.
func (d *Daemon) PublicURL() string {
	if d.config.PublicURL != "" {
		return strings.TrimSuffix(d.config.PublicURL, "/")
	}
	return d.URL()
}

// FirstToken is the token that the first start on a data folder makes; "" on every later one, and where a root token is set.
func (d *Daemon) FirstToken() string { return d.firstToken }

// Run serves and sweeps until ctx ends. Then it takes no new connections, lets running requests finish within the shutdown
// time-out, and returns nil. Any other end is an error.
func (d *Daemon) Run(ctx context.Context) error {
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return d.sweeper.Run(running) })
	group.Go(func() error { return d.tenant.RecordRefusals(running) })
	group.Go(func() error { return d.serve(d.server, d.listener) })
	group.Go(func() error { d.tenant.KeepKeys(running); return nil })
	if d.workers != nil {
		group.Go(func() error { return d.workers.run(running) })
	}
	if d.profiler != nil {
		d.logger.InfoContext(ctx, "profiling", "url", "http://"+d.profiling.Addr().String()+"/debug/pprof/")
		group.Go(func() error { return d.serve(d.profiler, d.profiling) })
	}
	group.Go(func() error {
		<-running.Done()
		return d.shutDown(context.WithoutCancel(ctx))
	})
	d.logger.InfoContext(ctx, "serving", "url", d.URL(), "data", d.config.Data, "database", d.stores.kind(), "version", d.config.Version, "workers", d.config.Workers, "model", d.config.LLM.Model)
	return group.Wait()
}

func (d *Daemon) serve(server *http.Server, listener net.Listener) error {
	start := server.Serve
	if server.TLSConfig != nil {
		start = func(l net.Listener) error { return server.ServeTLS(l, "", "") } // GetCertificate has it
	}
	err := start(listener)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// shutDown lets running requests finish, and cuts those that take too long.
func (d *Daemon) shutDown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, d.config.ShutdownTimeout)
	defer cancel()
	if d.profiler != nil {
		_ = d.profiler.Close() // nobody waits for a profile
	}
	d.logger.InfoContext(ctx, "stopping: running requests may finish", "within", d.config.ShutdownTimeout)
	err := d.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		d.logger.WarnContext(ctx, "requests were cut off: they took longer than the shutdown time-out")
		return d.server.Close()
	}
	return err
}

// Close gives everything back. It is called after Run, or instead of it.
func (d *Daemon) Close() error {
	var all []error
	for _, listener := range []net.Listener{d.listener, d.profiling} {
		if listener == nil {
			continue
		}
		if err := listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			all = append(all, err)
		}
	}
	d.workers.close()
	all = append(all, d.tracing.close())
	if d.tenant != nil {
		d.tenant.Close()
	}
	if d.stores != nil {
		all = append(all, d.stores.Close())
	}
	if d.unlock != nil {
		all = append(all, d.unlock())
	}
	return errors.Join(all...)
}

func newLogger(c Config, out io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(strings.ToUpper(c.LogLevel))) // Check has seen it
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}
