// grpc-go, a client nobody here wrote, against the running binary:
//
//	client ADDRESS PID   (the last check sends the sidecar SIGTERM)
//
// Prints a line per check; the exit status is 1 when one failed. Messages of the runtime are encoded
// by hand: there is nothing to generate.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	mib      = 1 << 20
	patience = 60 * time.Second
	runtime  = "/spec.proto.runtime.v1.Runtime/"
)

var failures int

func expect(good bool, what string, found ...interface{}) {
	word := "ok"
	if !good {
		word = "FAILED"
		failures++
	}
	fmt.Println(word+":", what, fmt.Sprint(found...))
}

func expectCode(err error, code codes.Code, what string) {
	if status.Code(err) == code {
		expect(true, what)
	} else {
		expect(false, what, err)
	}
}

// The codec of messages that are bytes already.
type raw struct{}

func (raw) Marshal(v interface{}) ([]byte, error) { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v interface{}) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func (raw) Name() string { return "proto" }

func field(number int, value []byte) []byte {
	out := []byte{byte(number<<3 | 2)}
	n := uint64(len(value))
	for ; n >= 0x80; n >>= 7 {
		out = append(out, byte(n)|0x80)
	}
	return append(append(out, byte(n)), value...)
}

// The first field of that number in a message of texts.
func find(message []byte, number int) []byte {
	for len(message) > 0 {
		tag := int(message[0])
		message = message[1:]
		n, shift := 0, uint(0)
		for {
			b := message[0]
			message = message[1:]
			n |= int(b&0x7f) << shift
			shift += 7
			if b < 0x80 {
				break
			}
		}
		if tag == number<<3|2 {
			return message[:n]
		}
		message = message[n:]
	}
	return nil
}

type client struct{ conn *grpc.ClientConn }

func (c client) call(method string, request []byte, options ...grpc.CallOption) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "x-text", "value", "x-binary-bin", "\x00\xff\x7f")
	var reply []byte
	options = append(options, grpc.ForceCodec(raw{}), grpc.MaxCallRecvMsgSize(64*mib),
		grpc.MaxCallSendMsgSize(64*mib))
	err := c.conn.Invoke(ctx, runtime+method, &request, &reply, options...)
	return reply, err
}

func (c client) save(key string, value []byte, options ...grpc.CallOption) error {
	item := append(field(1, []byte(key)), field(2, value)...)
	_, err := c.call("SaveState", append(field(1, []byte("demo")), field(2, item)...), options...)
	return err
}

func (c client) get(key string, options ...grpc.CallOption) ([]byte, error) {
	reply, err := c.call("GetState", append(field(1, []byte("demo")), field(2, []byte(key))...),
		options...)
	return find(reply, 1), err
}

func (c client) unary() {
	expectCode(c.save("a", []byte("one")), codes.OK, "unary: save")
	value, err := c.get("a")
	expectCode(err, codes.OK, "unary: get, with binary metadata")
	expect(string(value) == "one", "unary: the value")

	text := bytes.Repeat([]byte("z"), 200000)
	expectCode(c.save("z", text, grpc.UseCompressor("gzip")), codes.OK, "gzip: save")
	value, err = c.get("z", grpc.UseCompressor("gzip"))
	expectCode(err, codes.OK, "gzip: get")
	expect(bytes.Equal(value, text), "gzip: the value")

	large := bytes.Repeat([]byte("l"), 4*mib-1000)
	expectCode(c.save("l", large), codes.OK, "a message just under the limit")
	value, err = c.get("l")
	expectCode(err, codes.OK, "the same back")
	expect(bytes.Equal(value, large), "the same value")
	expectCode(c.save("m", bytes.Repeat([]byte("m"), 4*mib)), codes.ResourceExhausted,
		"a message over the limit")

	_, err = c.call("TryLock", nil)
	expectCode(err, codes.Unimplemented, "an rpc that is not built")
	expect(strings.Contains(status.Convert(err).Message(), "TryLock"), "which is named")
}

func (c client) manyAtOnce() {
	var group sync.WaitGroup
	failed := make(chan error, 1000)
	for i := 0; i < 1000; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			if err := c.save("k"+strconv.Itoa(i), []byte("v")); err != nil {
				failed <- err
			}
		}(i)
	}
	group.Wait()
	expect(len(failed) == 0, "a thousand calls at once on one connection", len(failed))
}

func (c client) streams() {
	health := grpc_health_v1.NewHealthClient(c.conn)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	watching, err := health.Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
	expectCode(err, codes.OK, "server streaming: it opens")
	reply, err := watching.Recv()
	expect(err == nil && reply.Status == grpc_health_v1.HealthCheckResponse_SERVING,
		"server streaming: the first message")
	cancel()
	_, err = watching.Recv()
	expectCode(err, codes.Canceled, "a stream is cancelled")

	ctx, cancel = context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	expiring, err := health.Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
	for err == nil {
		_, err = expiring.Recv()
	}
	expectCode(err, codes.DeadlineExceeded, "a stream's deadline")
}

// A stream of the reflection service; list_services is field 7.
func (c client) talk() (func() error, grpc.ClientStream, error) {
	stream, err := c.conn.NewStream(context.Background(),
		&grpc.StreamDesc{ClientStreams: true, ServerStreams: true},
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", grpc.ForceCodec(raw{}))
	return func() error {
		question, answer := field(7, nil), []byte{}
		if err := stream.SendMsg(&question); err != nil {
			return err
		}
		return stream.RecvMsg(&answer)
	}, stream, err
}

func (c client) bothWays() {
	ask, stream, err := c.talk()
	answered := 0
	for ; err == nil && answered < 200; answered++ {
		err = ask()
	}
	expect(err == nil && answered == 200, "both ways: every question is answered", err)
	stream.CloseSend()
	var none []byte
	expect(stream.RecvMsg(&none).Error() == "EOF", "both ways: the end")
}

func (c client) drain(sidecar int) {
	ask, stream, err := c.talk()
	expect(err == nil && ask() == nil, "drain: a stream is open")
	syscall.Kill(sidecar, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c.conn.WaitForStateChange(ctx, connectivity.Ready)
	expect(ask() == nil, "drain: the stream goes on")
	stream.CloseSend()
	var none []byte
	expect(stream.RecvMsg(&none).Error() == "EOF", "drain: the stream ends with its client")
	_, err = c.get("a")
	expectCode(err, codes.Unavailable, "drain: a new call is refused")
}

func main() {
	sidecar, _ := strconv.Atoi(os.Args[2])
	conn, err := grpc.Dial(os.Args[1], grpc.WithInsecure())
	if err != nil {
		fmt.Println("FAILED:", err)
		os.Exit(1)
	}
	c := client{conn}
	c.unary()
	c.manyAtOnce()
	c.streams()
	c.bothWays()
	c.drain(sidecar)
	if failures > 0 {
		os.Exit(1)
	}
}
