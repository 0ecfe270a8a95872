// A rate limiter and a lock over Kilogram's line door, to copy into a project: each is a command or two,
// carried out at once, without a script. Standard library only.
//
//	kg serve --line 127.0.0.1:8765
//	go run examples/limits.go 127.0.0.1:8765    # or unix:/run/kg.sock
package main

import (
	"bufio"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

const timeout = time.Second

// Line is one connection to the line door; give each goroutine its own. A request has a second. One that
// was not answered closes the connection, since its reply may still come: Dial again.
type Line struct {
	connection net.Conn
	replies    *bufio.Reader
}

// Dial connects to host:port or unix:path.
func Dial(place string) (*Line, error) {
	network := "tcp"
	if strings.HasPrefix(place, "unix:") {
		network, place = "unix", strings.TrimPrefix(place, "unix:")
	}
	connection, err := net.DialTimeout(network, place, timeout)
	if err != nil {
		return nil, err
	}
	return &Line{connection, bufio.NewReader(connection)}, nil
}

func (line *Line) ask(words ...string) (string, error) {
	// A word with a blank would be two, and one with a newline another command.
	for _, word := range words {
		if word == "" || strings.IndexFunc(word, func(r rune) bool { return r <= ' ' }) >= 0 {
			return "", errors.New("names are not empty, without blanks and control characters")
		}
	}
	reply, err := line.exchange(strings.Join(words, " ") + "\n")
	if err != nil {
		line.connection.Close()
		return "", err
	}
	reply = strings.TrimSuffix(reply, "\n")
	if strings.HasPrefix(reply, "ERROR ") {
		return "", errors.New(reply)
	}
	return reply, nil
}

func (line *Line) exchange(request string) (string, error) {
	if err := line.connection.SetDeadline(time.Now().Add(timeout)); err != nil {
		return "", err
	}
	if _, err := line.connection.Write([]byte(request)); err != nil {
		return "", err
	}
	return line.replies.ReadString('\n')
}

// milliseconds are how the door takes a time to live.
func milliseconds(duration time.Duration) string {
	return strconv.FormatInt(duration.Milliseconds(), 10)
}

// Limiter allows so many requests in a window, which begins with the first of them.
type Limiter struct {
	Line   *Line
	Limit  int64
	Window time.Duration
	Prefix string
}

// Hit counts a request and returns how many are left; below 0 it is one too many.
func (limiter *Limiter) Hit(name string) (int64, error) {
	reply, err := limiter.Line.ask("ADD", limiter.Prefix+name, "1", milliseconds(limiter.Window))
	if err != nil {
		return 0, err
	}
	digits, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(reply, "VALUE "))
	if err != nil {
		return 0, err
	}
	hits, err := strconv.ParseInt(string(digits), 10, 64)
	return limiter.Limit - hits, err
}

// Lock is given back by its holder alone, and ends by itself after some time.
type Lock struct {
	line  *Line
	key   string
	token string
	ttl   time.Duration
}

// NewLock makes a lock that nobody holds yet.
func NewLock(line *Line, key string, ttl time.Duration) (*Lock, error) {
	// Nobody else has the token, so nobody else gives the lock back.
	token := make([]byte, 16)
	if _, err := rand.Read(token); err != nil {
		return nil, err
	}
	return &Lock{line, key, base64.StdEncoding.EncodeToString(token), ttl}, nil
}

// Acquire returns whether it is ours now.
func (lock *Lock) Acquire() (bool, error) {
	reply, err := lock.line.ask("NEWB64", lock.key, lock.token, milliseconds(lock.ttl))
	return reply == "OK", err
}

// Renew returns whether it is still ours, for as long again.
func (lock *Lock) Renew() (bool, error) {
	reply, err := lock.line.ask("SETIF", lock.key, lock.token, lock.token, milliseconds(lock.ttl))
	return reply == "OK", err
}

// Release returns whether it was still ours.
func (lock *Lock) Release() (bool, error) {
	reply, err := lock.line.ask("DELETEIF", lock.key, lock.token)
	return reply == "OK", err
}

func main() {
	place := "127.0.0.1:8765"
	if len(os.Args) > 1 {
		place = os.Args[1]
	}
	if err := run(place); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(place string) error {
	line, err := Dial(place)
	if err != nil {
		return err
	}
	for _, prefix := range []string{"limit:", "lock:"} {
		if _, err := line.ask("DROP", prefix); err != nil {
			return err
		}
	}
	limiter := &Limiter{line, 2, 10 * time.Second, "limit:"}
	for request := 1; request <= 3; request++ {
		left, err := limiter.Hit("10.0.0.7")
		if err != nil {
			return err
		}
		outcome := "allowed"
		if left < 0 {
			outcome = "refused"
		}
		fmt.Printf("request %d: %s\n", request, outcome)
	}
	mine, err := NewLock(line, "lock:report", 10*time.Second)
	if err != nil {
		return err
	}
	theirs, err := NewLock(line, "lock:report", 10*time.Second)
	if err != nil {
		return err
	}
	steps := []struct {
		name  string
		calls []func() (bool, error)
	}{
		{"acquire", []func() (bool, error){mine.Acquire, theirs.Acquire}},
		{"release what is another's", []func() (bool, error){theirs.Release}},
		{"renew, release, acquire", []func() (bool, error){mine.Renew, mine.Release, theirs.Acquire}},
	}
	for _, step := range steps {
		fmt.Print(step.name + ":")
		for _, call := range step.calls {
			isDone, err := call()
			if err != nil {
				return err
			}
			fmt.Print(map[bool]string{true: " True", false: " False"}[isDone])
		}
		fmt.Println()
	}
	return nil
}
