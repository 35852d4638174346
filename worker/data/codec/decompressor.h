// The bytes of a compressed file, decoded from beginning to end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "worker/data/codec/codec.h"

namespace zhiyin::worker::data {

/// A place in a compressed file from which it can be decoded on.
struct SeekPoint {
  int64_t n_in = 0;   // compressed bytes before it
  int64_t n_out = 0;  // decoded bytes before it
  DecoderPoint decoder;
};

/// Decodes the members of a compressed file and joins what they hold. Throws Error, which names the
/// file and the offset in the compressed file, where it is corrupt or truncated, or where something
/// else follows a member. The offset is that of the first byte which the decoder did not take.
/// Used by one thread.
class Decompressor {
 public:
  /// Reads the next bytes of the compressed file: fills to[0, n) and returns n; returns less only
  /// at the end of the file. May throw.
  using ReadCompressed = std::function<size_t(char* to, size_t n)>;

  /// `path` is for messages.
  Decompressor(const Codec& codec, std::string path, ReadCompressed read_compressed);

  /// Fills to[0, n) and returns n; returns less only at the end of the file. Not called again after
  /// an Error.
  size_t Read(char* to, size_t n);

  /// The decoded bytes before those that Read returns next.
  int64_t n_out() const { return n_out_; }
  /// From now on notes a place of the file every so many compressed bytes, where its codec has
  /// such.
  void NotePoints(int64_t every) { note_every_ = every; }
  /// The places that were noted.
  const std::vector<SeekPoint>& points() const { return points_; }
  /// Continues at a place. REQUIRES: ReadCompressed returns what is there in the file.
  void GoTo(const SeekPoint& point);

 private:
  /// Begins the next member; returns false at the end of the file.
  bool BeginMember();
  /// Passes over zeros behind a member.
  void PassPadding();
  /// Reads more behind what is left of the input; returns false at the end of the file.
  bool Fill();
  void NotePoint();
  [[noreturn]] void FailHere(std::string_view wrong) const;

  const Codec& codec_;
  std::string path_;
  ReadCompressed read_compressed_;
  std::unique_ptr<Decoder> decoder_;
  std::vector<char> input_;
  std::string_view left_;  // the part of input_ that is yet to be decoded
  int64_t n_read_ = 0;     // compressed bytes that were read, left_ included
  bool in_member_ = false;
  int64_t n_out_ = 0;
  int64_t note_every_ = std::numeric_limits<int64_t>::max();
  std::vector<SeekPoint> points_;
};

}  // namespace zhiyin::worker::data
