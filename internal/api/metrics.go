package api

import "time"

// metrics counts what the server does.
type metrics struct{}

func newMetrics(*Server) *metrics { return &metrics{} }

func (m *metrics) request(route, method string, status int, took time.Duration) {}
