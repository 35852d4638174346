#include <bzlib.h>
#include <glog/logging.h>

#include <algorithm>
#include <new>

#include "worker/data/codec/codec.h"

namespace zhiyin::worker::data {
namespace {

/// A stream begins with BZh and the size of its blocks, which is a digit. The number of a block
/// follows, or that of the stream's end.
constexpr size_t kBzip2HeaderBytes = 4;
constexpr std::string_view kBlockMagic = "\x31\x41\x59\x26\x53\x59";
constexpr std::string_view kEndMagic = "\x17\x72\x45\x38\x50\x90";

bool IsBzip2Stream(std::string_view start, size_t n_min) {
  if (!BeginsWith(start, "BZh", n_min)) return false;
  if (start.size() < kBzip2HeaderBytes) return true;
  const char size = start[kBzip2HeaderBytes - 1];
  const std::string_view rest = start.substr(kBzip2HeaderBytes);
  return size >= '1' && size <= '9' &&
         (BeginsWith(rest, kBlockMagic, 0) || BeginsWith(rest, kEndMagic, 0));
}

/// Uses 4 MB at most: a block of 900,000 bytes, and four bytes for each.
class Bzip2Decoder : public Decoder {
 public:
  Bzip2Decoder() = default;
  ~Bzip2Decoder() override { End(); }
  Bzip2Decoder(const Bzip2Decoder&) = delete;
  Bzip2Decoder& operator=(const Bzip2Decoder&) = delete;

  std::string Begin(std::string_view start) override {
    if (!IsBzip2Stream(start, 1)) return Corrupt(kBzip2.name, "no stream begins here");
    End();
    stream_ = {};
    const int result = BZ2_bzDecompressInit(&stream_, 0, 0);
    if (result == BZ_MEM_ERROR) throw std::bad_alloc();
    CHECK_EQ(result, BZ_OK);
    begun_ = true;
    return "";
  }

  Decoded Decode(std::string_view in, std::span<char> out) override {
    constexpr size_t kMost = size_t{1} << 30;  // the library counts in 32 bits
    const size_t n_in = std::min(in.size(), kMost);
    const size_t n_out = std::min(out.size(), kMost);
    stream_.next_in = const_cast<char*>(in.data());  // which it does not write to
    stream_.avail_in = static_cast<unsigned>(n_in);
    stream_.next_out = out.data();
    stream_.avail_out = static_cast<unsigned>(n_out);
    const int result = BZ2_bzDecompress(&stream_);
    if (result == BZ_MEM_ERROR) throw std::bad_alloc();
    Decoded decoded = {n_in - stream_.avail_in, n_out - stream_.avail_out, result == BZ_STREAM_END,
                       ""};
    if (result != BZ_OK && result != BZ_STREAM_END)
      decoded.wrong = Corrupt(kBzip2.name, "wrong data or checksum");
    return decoded;
  }

 private:
  void End() {
    if (begun_) BZ2_bzDecompressEnd(&stream_);
    begun_ = false;
  }

  bz_stream stream_ = {};
  bool begun_ = false;
};

class Bzip2Encoder : public Encoder {
 public:
  Bzip2Encoder() {
    constexpr int kLargestBlocks = 9;
    const int result = BZ2_bzCompressInit(&stream_, kLargestBlocks, 0, 0);
    if (result == BZ_MEM_ERROR) throw std::bad_alloc();
    CHECK_EQ(result, BZ_OK);
  }
  ~Bzip2Encoder() override { BZ2_bzCompressEnd(&stream_); }
  Bzip2Encoder(const Bzip2Encoder&) = delete;
  Bzip2Encoder& operator=(const Bzip2Encoder&) = delete;

  void Encode(std::string_view in, std::string* out) override {
    stream_.next_in = const_cast<char*>(in.data());  // which it does not write to
    stream_.avail_in = static_cast<unsigned>(in.size());
    while (stream_.avail_in > 0) Run(BZ_RUN, out);
  }
  void Finish(std::string* out) override {
    while (Run(BZ_FINISH, out) != BZ_STREAM_END) {
    }
  }

 private:
  /// Fills a piece at most and appends it; returns what the library does.
  int Run(int action, std::string* out) {
    char piece[kEncodedPieceBytes];
    stream_.next_out = piece;
    stream_.avail_out = sizeof(piece);
    const int result = BZ2_bzCompress(&stream_, action);
    CHECK_GE(result, 0);
    out->append(piece, sizeof(piece) - stream_.avail_out);
    return result;
  }

  bz_stream stream_ = {};
};

/// All of the bytes that tell are printable. A file of "BZ" is rather a text than truncated.
bool IsBzip2(std::string_view start) {
  return IsBzip2Stream(start, kBzip2HeaderBytes - 1) && start.size() >= kBzip2HeaderBytes;
}

std::unique_ptr<Decoder> MakeBzip2Decoder() {
  return std::make_unique<Bzip2Decoder>();
}

std::unique_ptr<Encoder> MakeBzip2Encoder() {
  return std::make_unique<Bzip2Encoder>();
}

}  // namespace

const Codec kBzip2 = {"bzip2", ".bz2", IsBzip2, 0, MakeBzip2Decoder, MakeBzip2Encoder};

}  // namespace zhiyin::worker::data
