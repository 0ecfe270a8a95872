// A client of Kilogram's line door, and what it is for: a cache beside a slow source, and a rate
// limiter. Standard library only.
//
//	kg serve --line 127.0.0.1:8765
//	go run examples/kilogram.go 127.0.0.1:8765    # or unix:/run/kg.sock
package main

import (
	"bufio"
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

// Kilogram is one connection; give each goroutine its own.
type Kilogram struct {
	connection net.Conn
	replies    *bufio.Reader
}

// Dial connects to host:port or unix:path.
func Dial(place string) (*Kilogram, error) {
	network := "tcp"
	if strings.HasPrefix(place, "unix:") {
		network, place = "unix", strings.TrimPrefix(place, "unix:")
	}
	connection, err := net.DialTimeout(network, place, timeout)
	if err != nil {
		return nil, err
	}
	return &Kilogram{connection, bufio.NewReader(connection)}, nil
}

// Get returns the value, and whether there is one.
func (kg *Kilogram) Get(key string) ([]byte, bool, error) {
	reply, err := kg.ask("GET " + key)
	if err != nil || reply == "NOT_FOUND" {
		return nil, false, err
	}
	value, err := valueOf(reply)
	return value, err == nil, err
}

// Set stores a value; with a time to live of 0 for ever.
func (kg *Kilogram) Set(key string, value []byte, ttl time.Duration) error {
	encoded := base64.StdEncoding.EncodeToString(value)
	if encoded == "" {
		encoded = "-"
	}
	_, err := kg.ask("SETB64 " + key + " " + encoded + after(ttl))
	return err
}

// Delete returns whether there was such a key.
func (kg *Kilogram) Delete(key string) (bool, error) {
	reply, err := kg.ask("DELETE " + key)
	return reply == "OK", err
}

// Add returns the sum. The time to live counts only if this makes the key.
func (kg *Kilogram) Add(key string, delta int64, ttl time.Duration) (int64, error) {
	reply, err := kg.ask(fmt.Sprintf("ADD %s %d%s", key, delta, after(ttl)))
	if err != nil {
		return 0, err
	}
	value, err := valueOf(reply)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(value), 10, 64)
}

func (kg *Kilogram) ask(line string) (string, error) {
	kg.connection.SetDeadline(time.Now().Add(timeout))
	if _, err := kg.connection.Write([]byte(line + "\n")); err != nil {
		return "", err
	}
	reply, err := kg.replies.ReadString('\n')
	if err != nil {
		return "", err
	}
	reply = strings.TrimSuffix(reply, "\n")
	if strings.HasPrefix(reply, "ERROR ") {
		return "", errors.New(reply)
	}
	return reply, nil
}

func after(ttl time.Duration) string {
	if ttl == 0 {
		return ""
	}
	return fmt.Sprintf(" %d", ttl.Milliseconds())
}

func valueOf(reply string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.TrimPrefix(reply, "VALUE "))
}

// userName is cache-aside: what is not in the cache is loaded, and kept for a minute.
func userName(kg *Kilogram, user int) (string, error) {
	key := fmt.Sprintf("user:%d", user)
	if cached, found, err := kg.Get(key); err != nil || found {
		return string(cached) + " (cached)", err
	}
	name := "Ada" // A query of the database.
	return name + " (loaded)", kg.Set(key, []byte(name), time.Minute)
}

// isAllowed admits so many requests in ten seconds, counted from the first.
func isAllowed(kg *Kilogram, client string, limit int64) (bool, error) {
	count, err := kg.Add("limit:"+client, 1, 10*time.Second)
	return count <= limit, err
}

func main() {
	place := "127.0.0.1:8765"
	if len(os.Args) > 1 {
		place = os.Args[1]
	}
	kg, err := Dial(place)
	check(err)
	_, err = kg.Delete("user:7")
	check(err)
	_, err = kg.Delete("limit:10.0.0.7")
	check(err)
	for i := 0; i < 2; i++ {
		name, err := userName(kg, 7)
		check(err)
		fmt.Println("user 7:", name)
	}
	for request := 1; request <= 3; request++ {
		allowed, err := isAllowed(kg, "10.0.0.7", 2)
		check(err)
		fmt.Printf("request %d: %s\n", request, map[bool]string{true: "allowed", false: "refused"}[allowed])
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
