#include "worker/data/codec/codec.h"

#include <glog/logging.h>

#include <algorithm>

#include "common/text.h"

namespace zhiyin::worker::data {
namespace {

constexpr const Codec* kCodecs[] = {&kGzip, &kZstd, &kLz4, &kBzip2, &kXz};

constexpr size_t kSkippableMagicBytes = 4;
constexpr size_t kSkippableHeaderBytes = 8;  // the magic number and the length of what follows
/// Skippable frames that are passed over to tell zstd from lz4. pzstd writes one at the beginning.
constexpr int kMaxSkipped = 1000;

int64_t SkippableBytes(std::string_view header) {
  int64_t n = 0;
  for (size_t i = kSkippableHeaderBytes; i-- > kSkippableMagicBytes;)
    n = n << 8 | static_cast<unsigned char>(header[i]);
  return n;
}

const Codec* CodecOf(std::string_view start) {
  for (const Codec* codec : kCodecs)
    if (codec->recognises(start)) return codec;
  return nullptr;
}

}  // namespace

void Decoder::GoTo(const DecoderPoint&) {
  LOG(FATAL) << "a codec without points is to go to one";
}

std::span<const Codec* const> Codecs() {
  return kCodecs;
}

const Codec* RecogniseCodec(const ReadAt& read_at) {
  std::string start = read_at(0, kMemberStartBytes);
  // What of the magic number is printable may be a short text.
  if (start.size() < kSkippableMagicBytes || !IsSkippable(start)) return CodecOf(start);
  int64_t offset = 0;
  for (int i = 0; i < kMaxSkipped && start.size() >= kSkippableHeaderBytes && IsSkippable(start);
       ++i) {
    offset += static_cast<int64_t>(kSkippableHeaderBytes) + SkippableBytes(start);
    start = read_at(offset, kMemberStartBytes);
  }
  return CodecOf(start) == &kLz4 ? &kLz4 : &kZstd;
}

const Codec* CodecByEnding(std::string_view name) {
  for (const Codec* codec : kCodecs)
    if (name.ends_with(codec->ending)) return codec;
  return nullptr;
}

bool BeginsWith(std::string_view start, std::string_view magic, size_t n_min) {
  const size_t n = std::min(start.size(), magic.size());
  return n >= n_min && start.substr(0, n) == magic.substr(0, n);
}

bool IsSkippable(std::string_view start) {
  if (start.empty() || (static_cast<unsigned char>(start[0]) & 0xf0) != 0x50) return false;
  return BeginsWith(start.substr(1), "\x2a\x4d\x18", 0);
}

std::string Corrupt(std::string_view codec, std::string_view reason) {
  return TextOf("corrupt ", codec, " (", reason, "), expected compressed data");
}

}  // namespace zhiyin::worker::data
