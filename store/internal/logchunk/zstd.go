package logchunk

import (
	"bytes"
	"fmt"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Coders are costly to make and cheap to use again. Those in the pools run no
// goroutines, and the garbage collector frees what idles.
var (
	encoders = sync.Pool{New: func() any {
		// A single segment makes the frame tell its unpacked size. On logs the
		// fastest level packs as well as the default one, with smaller tables.
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithSingleSegment(true),
			zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(DefaultLimit))
		if err != nil {
			panic(err) // the options are constants
		}
		return e
	}}
	decoders = sync.Pool{New: func() any {
		// The buffer's capacity is the real limit; the library's own is behind
		// it because going over that one prints to standard error.
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderMaxMemory(MaxSize+1<<20), zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			panic(err) // the options are constants
		}
		return d
	}}
	buffers = sync.Pool{New: func() any { return new([]byte) }}
)

// maxPooled is the largest buffer kept for another use.
const maxPooled = 1 << 20

func compress(raw []byte) []byte {
	e := encoders.Get().(*zstd.Encoder)
	defer encoders.Put(e)
	return withBuffer(0, func(buf []byte) ([]byte, []byte) {
		buf = e.EncodeAll(raw, buf)
		return buf, bytes.Clone(buf)
	})
}

// withRaw calls f with the chunk's raw data, which f must not keep.
func (c Chunk) withRaw(f func(data []byte) error) error {
	switch c.Codec {
	case Raw:
		return f(c.Data)
	case Zstd:
	default:
		return fmt.Errorf("codec %d: %w", c.Codec, ErrDamaged)
	}
	size := c.rawSize()
	if size < 0 {
		return fmt.Errorf("no usable zstd header: %w", ErrDamaged)
	}
	d := decoders.Get().(*zstd.Decoder)
	defer decoders.Put(d)
	return withBuffer(size, func(buf []byte) ([]byte, error) {
		buf, err := d.DecodeAll(c.Data, buf)
		if err != nil {
			return nil, fmt.Errorf("unpack: %w: %w", ErrDamaged, err)
		}
		return buf, f(buf)
	})
}

// rawSize returns the size of the chunk's raw data without unpacking it, or -1
// where there is none within [MaxSize].
func (c Chunk) rawSize() int {
	if c.Codec != Zstd {
		return len(c.Data)
	}
	var h zstd.Header
	if err := h.Decode(c.Data); err != nil || !h.HasFCS || h.FrameContentSize > MaxSize {
		return -1
	}
	return int(h.FrameContentSize)
}

// withBuffer lends f an empty buffer of at least size; f returns it, grown, and
// its result.
func withBuffer[T any](size int, f func(buf []byte) ([]byte, T)) T {
	pooled := buffers.Get().(*[]byte)
	buf, result := f(slices.Grow((*pooled)[:0], size))
	if cap(buf) > 0 && cap(buf) <= maxPooled {
		*pooled = buf[:0]
		buffers.Put(pooled)
	}
	return result
}
