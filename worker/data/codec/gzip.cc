#include <glog/logging.h>
#include <zlib.h>

#include <algorithm>
#include <new>

#include "worker/data/codec/codec.h"

namespace zhiyin::worker::data {
namespace {

constexpr std::string_view kGzipMagic = "\x1f\x8b";

class GzipDecoder : public Decoder {
 public:
  GzipDecoder() {
    // 15: the largest window; + 16: expect a gzip header, not one of zlib.
    const int result = inflateInit2(&stream_, 15 + 16);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    CHECK_EQ(result, Z_OK);
  }
  ~GzipDecoder() override { inflateEnd(&stream_); }
  GzipDecoder(const GzipDecoder&) = delete;
  GzipDecoder& operator=(const GzipDecoder&) = delete;

  std::string Begin(std::string_view start) override {
    if (!BeginsWith(start, kGzipMagic, 1)) return Corrupt(kGzip.name, "incorrect header check");
    CHECK_EQ(inflateReset2(&stream_, 15 + 16), Z_OK);
    n_trailer_ = 0;
    is_raw_ = false;
    return "";
  }

  Decoded Decode(std::string_view in, std::span<char> out) override {
    constexpr size_t kMost = size_t{1} << 30;  // zlib counts in 32 bits
    if (n_trailer_ > 0) return PassTrailer(in, {});
    const size_t n_in = std::min(in.size(), kMost);
    const size_t n_out = std::min(out.size(), kMost);
    // Which zlib does not write to.
    stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data()));
    stream_.avail_in = static_cast<uInt>(n_in);
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(n_out);
    int result = Z_OK;
    do {
      // Stops behind each block of deflate, too.
      result = inflate(&stream_, Z_BLOCK);
    } while (result == Z_OK && stream_.avail_in == n_in && stream_.avail_out == n_out &&
             (stream_.data_type & kBehindBlock) != 0);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    Decoded decoded = {n_in - stream_.avail_in, n_out - stream_.avail_out, result == Z_STREAM_END,
                       ""};
    if (decoded.n_in > 0) last_byte_ = static_cast<uint8_t>(in[decoded.n_in - 1]);
    if (decoded.ended && is_raw_) {
      n_trailer_ = kTrailerBytes;
      return PassTrailer(in, decoded);
    }
    // Z_BUF_ERROR: it needs more.
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
      decoded.wrong = Corrupt(kGzip.name, stream_.msg != nullptr ? stream_.msg : zError(result));
    return decoded;
  }

  std::optional<DecoderPoint> Point() override {
    const bool is_behind_block = (stream_.data_type & kBehindBlock) != 0;
    if (!is_behind_block || (stream_.data_type & kInLastBlock) != 0 || n_trailer_ > 0)
      return std::nullopt;
    DecoderPoint point{stream_.data_type & 7, last_byte_, std::string(kWindowBytes, '\0')};
    uInt n = 0;
    CHECK_EQ(inflateGetDictionary(&stream_, BytesOf(&point.window), &n), Z_OK);
    point.window.resize(n);
    return point;
  }

  void GoTo(const DecoderPoint& point) override {
    // A point is within a member, behind its header.
    CHECK_EQ(inflateReset2(&stream_, -15), Z_OK);
    if (point.n_bits > 0)
      CHECK_EQ(inflatePrime(&stream_, point.n_bits, point.last_byte >> (8 - point.n_bits)), Z_OK);
    std::string window = point.window;
    CHECK_EQ(inflateSetDictionary(&stream_, BytesOf(&window), static_cast<uInt>(window.size())),
             Z_OK);
    last_byte_ = point.last_byte;
    n_trailer_ = 0;
    is_raw_ = true;
  }

 private:
  static constexpr size_t kWindowBytes = size_t{32} << 10;
  static constexpr size_t kTrailerBytes = 8;  // checksum and size
  // These are bits of z_stream::data_type.
  static constexpr int kInLastBlock = 64;
  static constexpr int kBehindBlock = 128;

  /// Passes over the trailer behind what was decoded of `in`, as far as it is there.
  Decoded PassTrailer(std::string_view in, Decoded decoded) {
    const size_t n = std::min(in.size() - decoded.n_in, n_trailer_);
    n_trailer_ -= n;
    decoded.n_in += n;
    decoded.ended = n_trailer_ == 0;
    return decoded;
  }
  static Bytef* BytesOf(std::string* text) { return reinterpret_cast<Bytef*>(text->data()); }

  z_stream stream_ = {};
  uint8_t last_byte_ = 0;  // that was taken
  bool is_raw_ = false;    // decodes from a point on, and so without the member's header
  size_t n_trailer_ = 0;   // bytes of the member's trailer that are yet to be passed
};

class GzipEncoder : public Encoder {
 public:
  GzipEncoder() {
    constexpr int kMemoryLevel = 8;  // the library's default
    const int result = deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16,
                                    kMemoryLevel, Z_DEFAULT_STRATEGY);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    CHECK_EQ(result, Z_OK);
  }
  ~GzipEncoder() override { deflateEnd(&stream_); }
  GzipEncoder(const GzipEncoder&) = delete;
  GzipEncoder& operator=(const GzipEncoder&) = delete;

  void Encode(std::string_view in, std::string* out) override { Run(in, Z_NO_FLUSH, out); }
  void Finish(std::string* out) override { Run({}, Z_FINISH, out); }

 private:
  void Run(std::string_view in, int flush, std::string* out) {
    char piece[kEncodedPieceBytes];
    stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data()));
    stream_.avail_in = static_cast<uInt>(in.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(piece);
      stream_.avail_out = sizeof(piece);
      CHECK_NE(deflate(&stream_, flush), Z_STREAM_ERROR);
      out->append(piece, sizeof(piece) - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

  z_stream stream_ = {};
};

bool IsGzip(std::string_view start) {
  return BeginsWith(start, kGzipMagic, kGzipMagic.size());
}

std::unique_ptr<Decoder> MakeGzipDecoder() {
  return std::make_unique<GzipDecoder>();
}

std::unique_ptr<Encoder> MakeGzipEncoder() {
  return std::make_unique<GzipEncoder>();
}

}  // namespace

const Codec kGzip = {"gzip", ".gz", IsGzip, 1, MakeGzipDecoder, MakeGzipEncoder};

}  // namespace zhiyin::worker::data
