package logchunk

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Coders are costly to make and cheap to use again. Those in the pools run no
// goroutines, and the garbage collector frees what idles.
var (
	encoders = sync.Pool{New: func() any {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(window))
		if err != nil {
			panic(err) // the options are constants
		}
		return e
	}}
	decoders = sync.Pool{New: func() any {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxSize))
		if err != nil {
			panic(err) // the options are constants
		}
		return d
	}}
	buffers = sync.Pool{New: func() any { return new([]byte) }}
)

const (
	window     = 512 << 10
	maxPooled  = 1 << 20 // larger buffers are left to the garbage collector
	wholeLimit = 512 << 10
)

func compress(raw []byte) []byte {
	e := encoders.Get().(*zstd.Encoder)
	defer encoders.Put(e)
	buf := getBuffer()
	defer putBuffer(buf)
	*buf = e.EncodeAll(raw, (*buf)[:0])
	return append(make([]byte, 0, len(*buf)), *buf...)
}

// withRaw calls f with the chunk's raw data, which f must not keep.
func (c Chunk) withRaw(f func(data []byte) error) error {
	switch c.Codec {
	case Raw:
		return f(c.Data)
	case Zstd:
		d := decoders.Get().(*zstd.Decoder)
		defer decoders.Put(d)
		buf := getBuffer()
		defer putBuffer(buf)
		data, err := d.DecodeAll(c.Data, (*buf)[:0])
		*buf = data
		if err != nil {
			return fmt.Errorf("unpack: %w: %w", ErrDamaged, err)
		}
		return f(data)
	default:
		return fmt.Errorf("codec %d: %w", c.Codec, ErrDamaged)
	}
}

// rawSize returns the size of the chunk's raw data without unpacking it, or -1
// where only that would tell.
func (c Chunk) rawSize() int64 {
	if c.Codec != Zstd {
		return int64(len(c.Data))
	}
	var h zstd.Header
	if err := h.Decode(c.Data); err != nil || !h.HasFCS || h.FrameContentSize > MaxSize {
		return -1
	}
	return int64(h.FrameContentSize)
}

func getBuffer() *[]byte { return buffers.Get().(*[]byte) }

func putBuffer(buf *[]byte) {
	if cap(*buf) <= maxPooled {
		buffers.Put(buf)
	}
}
