package pdf

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"
	"golang.org/x/sys/cpu"
)

const (
	sealName  = "sealed"               // the file of a cache that says what must be in it
	lockRetry = 200 * time.Millisecond // how often a process looks whether another one has made the cache
)

// cache is a folder with PDFium's compiled code. It is used only if a seal says that it is complete and as it was written: code that is
// damaged would not be noticed before it runs.
type cache struct {
	folder string
}

// newCache gives the cache below root that fits this program on this processor.
func newCache(root string) cache {
	sum := sha256.Sum256([]byte(buildOf() + processor()))
	return cache{folder: filepath.Join(root, "pdfium-"+hex.EncodeToString(sum[:8]))}
}

// buildOf names the versions of what makes the code, and of what it is made for.
func buildOf() string {
	name := runtime.GOOS + " " + runtime.GOARCH
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return name
	}
	for _, module := range info.Deps {
		if strings.HasSuffix(module.Path, "/go-pdfium") || strings.HasSuffix(module.Path, "/wazero") {
			name += " " + module.Path + " " + module.Version
		}
	}
	return name
}

// processor says which instructions the compiler can count on: several machines may share the folder.
func processor() string {
	return fmt.Sprint(" ", cpu.X86.HasSSE41, cpu.X86.HasBMI1, cpu.X86.HasBMI2, cpu.X86.HasPOPCNT, cpu.ARM64.HasATOMICS)
}

// ready gives the folder if all in it is as it was sealed, else nothing.
func (c cache) ready() string {
	sealed, err := os.ReadFile(filepath.Join(c.folder, sealName))
	if err != nil {
		return ""
	}
	found, err := c.contents()
	if err != nil || found != string(sealed) {
		return ""
	}
	return c.folder
}

// contents lists the files with their sums.
func (c cache) contents() (string, error) {
	var list strings.Builder
	err := filepath.WalkDir(c.folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == sealName {
			return err
		}
		sum, err := sumOf(path)
		fmt.Fprintf(&list, "%x %s\n", sum, entry.Name())
		return err
	})
	return list.String(), err
}

func sumOf(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	hash := sha256.New()
	_, err = io.Copy(hash, file)
	return hash.Sum(nil), err
}

// make writes the cache anew unless it is ready. Of several processes that come at once, one does it, and the others wait.
func (c cache) make(ctx context.Context, compile func(folder string) error) (err error) {
	if c.ready() != "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(c.folder), 0o700); err != nil {
		return err
	}
	lock := flock.New(c.folder + ".lock")
	if _, err := lock.TryLockContext(ctx, lockRetry); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if c.ready() != "" {
		return nil
	}
	return c.write(compile)
}

func (c cache) write(compile func(folder string) error) error {
	if err := os.RemoveAll(c.folder); err != nil {
		return err
	}
	if err := compile(c.folder); err != nil {
		return err
	}
	list, err := c.contents()
	if err != nil {
		return err
	}
	return renameio.WriteFile(filepath.Join(c.folder, sealName), []byte(list), 0o600)
}
