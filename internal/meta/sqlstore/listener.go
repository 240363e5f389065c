package sqlstore

import (
	"context"
	"errors"
	"sync"

	"github.com/riverqueue/river/riverdriver"
)

// The topics of River that are used.
const (
	topicInsert     = "river_insert"
	topicLeadership = "river_leadership"
)

// jobsHaveCome is what River wants to hear when there are new jobs of a kind, each of which has a queue of its name.
func jobsHaveCome(kind string) string { return `{"queue":"` + kind + `"}` }

// bell tells River's listeners of this process what has happened. The zero bell is ready.
type bell struct {
	mu        sync.Mutex
	listeners map[*listener]bool
}

// ring tells everybody who listens to topic, and waits for nobody.
func (b *bell) ring(topic, payload string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for l := range b.listeners {
		if !l.topics[topic] {
			continue
		}
		select {
		case l.heard <- &riverdriver.Notification{Topic: topic, Payload: payload}:
		default: // it has enough to wake up for
		}
	}
}

// listener implements riverdriver.Listener.
type listener struct {
	bell   *bell
	topics map[string]bool // guarded by bell.mu, as is heard itself
	heard  chan *riverdriver.Notification
}

var errNotConnected = errors.New("sqlstore: the listener is not connected")

// Connect begins to listen, to nothing yet.
func (l *listener) Connect(context.Context) error {
	const unheard = 100 // that are kept
	l.bell.mu.Lock()
	defer l.bell.mu.Unlock()
	if l.bell.listeners == nil {
		l.bell.listeners = map[*listener]bool{}
	}
	l.topics, l.heard = map[string]bool{}, make(chan *riverdriver.Notification, unheard)
	l.bell.listeners[l] = true
	return nil
}

// Close ends it.
func (l *listener) Close(context.Context) error {
	l.bell.mu.Lock()
	defer l.bell.mu.Unlock()
	delete(l.bell.listeners, l)
	return nil
}

// Listen adds a topic.
func (l *listener) Listen(_ context.Context, topic string) error { return l.listen(topic, true) }

// Unlisten takes one away.
func (l *listener) Unlisten(_ context.Context, topic string) error { return l.listen(topic, false) }

func (l *listener) listen(topic string, on bool) error {
	l.bell.mu.Lock()
	defer l.bell.mu.Unlock()
	if !l.bell.listeners[l] {
		return errNotConnected
	}
	l.topics[topic] = on
	return nil
}

// WaitForNotification waits for the next one.
func (l *listener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	l.bell.mu.Lock()
	heard, connected := l.heard, l.bell.listeners[l]
	l.bell.mu.Unlock()
	if !connected {
		return nil, errNotConnected
	}
	select {
	case n := <-heard:
		return n, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Ping has nothing to reach.
func (l *listener) Ping(context.Context) error { return nil }

// Schema is none.
func (l *listener) Schema() string { return "" }

// SetAfterConnectExec is for River's own tests.
func (l *listener) SetAfterConnectExec(string) {}
