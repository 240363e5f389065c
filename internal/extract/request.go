package extract

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// sendRequest sends a request with its document's descriptor.
func sendRequest(conn *net.UnixConn, r request, document *os.File) error {
	payload, err := json.Marshal(r)
	if err != nil {
		return err
	}
	frame := append(appendHeader(nil, kindRequest, len(payload)), payload...)
	raw, err := document.SyscallConn()
	if err != nil {
		return err
	}
	var sent int
	var failed error
	err = raw.Control(func(fd uintptr) {
		sent, _, failed = conn.WriteMsgUnix(frame, unix.UnixRights(int(fd)), nil)
	})
	switch {
	case err != nil:
		return err
	case failed != nil:
		return fmt.Errorf("%w: %w", errBroken, failed)
	case sent < len(frame):
		return fmt.Errorf("%w: a request of %d bytes was cut", errBroken, len(frame))
	}
	return nil
}

// receiveRequest waits for a request and takes its descriptor. io.EOF is the end between two requests.
func receiveRequest(conn *net.UnixConn) incoming {
	var header [frameHeader]byte
	rights := make([]byte, unix.CmsgSpace(4))
	n, length, _, _, err := conn.ReadMsgUnix(header[:], rights)
	if err == nil && n == 0 {
		err = io.EOF
	}
	if err != nil {
		return incoming{err: err}
	}
	in := incoming{}
	if in.file, in.err = received(rights[:length]); in.err != nil {
		return in
	}
	in.err = in.parse(conn, header, n)
	if in.err != nil {
		_ = in.file.Close()
	}
	return in
}

// parse reads the rest of a request whose header's first n bytes are known.
func (in *incoming) parse(conn io.Reader, header [frameHeader]byte, n int) error {
	if _, err := io.ReadFull(conn, header[n:]); err != nil {
		return err
	}
	size := binary.BigEndian.Uint32(header[1:])
	if kind(header[0]) != kindRequest || size > maxFrame {
		return fmt.Errorf("%w: a frame %q of %d bytes instead of a request", errProtocol, header[0], size)
	}
	payload := make([]byte, size)
	if _, err := io.ReadFull(conn, payload); err != nil {
		return err
	}
	return parse(payload, &in.request)
}

// received gives the one descriptor that came with a message.
func received(rights []byte) (*os.File, error) {
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil {
		return nil, err
	}
	if len(messages) != 1 {
		return nil, errors.New("a request without a document")
	}
	descriptors, err := syscall.ParseUnixRights(&messages[0])
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(descriptors[0]), "document"), nil
}
