#include "worker/data/codec/decompressor.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "common/error.h"
#include "common/text.h"

namespace zhiyin::worker::data {
namespace {

// Small, since what is read behind the last byte that is wanted is read in vain.
constexpr size_t kCompressedInputBytes = 16 << 10;

}  // namespace

Decompressor::Decompressor(const Codec& codec, std::string path, ReadCompressed read_compressed)
    : codec_(codec),
      path_(std::move(path)),
      read_compressed_(std::move(read_compressed)),
      decoder_(codec.make_decoder()),
      input_(kCompressedInputBytes) {}

size_t Decompressor::Read(char* to, size_t n) {
  size_t n_done = 0;
  while (n_done < n) {
    if (!in_member_ && !BeginMember()) break;
    const Decoded decoded = decoder_->Decode(left_, std::span(to + n_done, n - n_done));
    left_.remove_prefix(decoded.n_in);
    n_done += decoded.n_out;
    n_out_ += static_cast<int64_t>(decoded.n_out);
    if (!decoded.wrong.empty()) FailHere(decoded.wrong);
    in_member_ = !decoded.ended;
    if (in_member_) NotePoint();
    const bool needs_more = in_member_ && decoded.n_in == 0 && decoded.n_out == 0;
    if (needs_more && !Fill())
      FailHere(TextOf("the ", codec_.name, " ends too early, expected more compressed data"));
  }
  return n_done;
}

void Decompressor::NotePoint() {
  const int64_t n_in = n_read_ - static_cast<int64_t>(left_.size());
  const int64_t last = points_.empty() ? 0 : points_.back().n_in;
  if (n_in - last < note_every_) return;
  if (std::optional<DecoderPoint> point = decoder_->Point())
    points_.push_back({n_in, n_out_, *std::move(point)});
}

void Decompressor::GoTo(const SeekPoint& point) {
  decoder_->GoTo(point.decoder);
  left_ = {};
  n_read_ = point.n_in;
  n_out_ = point.n_out;
  in_member_ = true;
}

bool Decompressor::BeginMember() {
  if (codec_.padding_unit > 0) PassPadding();
  if (left_.size() < kMemberStartBytes) Fill();
  if (left_.empty()) return false;
  const std::string wrong = decoder_->Begin(left_.substr(0, kMemberStartBytes));
  if (!wrong.empty()) FailHere(wrong);
  in_member_ = true;
  return true;
}

void Decompressor::PassPadding() {
  int64_t n_zeros = 0;
  while (!left_.empty() || Fill()) {
    const size_t n = std::min(left_.find_first_not_of('\0'), left_.size());
    left_.remove_prefix(n);
    n_zeros += static_cast<int64_t>(n);
    if (!left_.empty()) break;
  }
  if (n_zeros % static_cast<int64_t>(codec_.padding_unit) != 0)
    FailHere(Corrupt(
        codec_.name,
        TextOf(n_zeros, " zeros before this byte, expected a multiple of ", codec_.padding_unit)));
}

bool Decompressor::Fill() {
  if (!left_.empty()) std::memmove(input_.data(), left_.data(), left_.size());
  const size_t n = read_compressed_(input_.data() + left_.size(), input_.size() - left_.size());
  left_ = {input_.data(), left_.size() + n};
  n_read_ += static_cast<int64_t>(n);
  return n > 0;
}

void Decompressor::FailHere(std::string_view wrong) const {
  Fail(path_, ": at byte ", n_read_ - static_cast<int64_t>(left_.size()), ": ", wrong);
}

}  // namespace zhiyin::worker::data
