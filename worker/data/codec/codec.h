// The algorithms by which data files may be compressed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace zhiyin::worker::data {

/// What a decoder made of a piece of a compressed file.
struct Decoded {
  size_t n_in = 0;     // compressed bytes that were taken
  size_t n_out = 0;    // bytes that were written
  bool ended = false;  // the member ended with the bytes that were taken
  /// What is wrong with the compressed bytes behind those that were taken, and what was expected;
  /// empty where nothing is.
  std::string wrong;
};

/// A place within a member from which decoding can go on without what is before it.
struct DecoderPoint {
  /// How many of the highest bits of the last byte before the place belong to what follows.
  int n_bits = 0;
  uint8_t last_byte = 0;
  /// The bytes that were decoded last, to which what follows may refer.
  std::string window;
};

/// Decodes the members of a compressed file one after the other: those of a gzip, the frames of
/// zstd and lz4, the streams of bzip2 and xz. Verifies the checksums that they have. Its memory is
/// bounded whatever the file says. Throws std::bad_alloc where the system has no memory. Used by
/// one thread.
class Decoder {
 public:
  virtual ~Decoder() = default;

  /// Begins a member, the first or one behind a member that has ended. `start` has its first
  /// kMemberStartBytes bytes, or what the file has of them, which is at least one; Decode is given
  /// them again. Returns what is wrong with them and what was expected, or an empty string.
  virtual std::string Begin(std::string_view start) = 0;

  /// Decodes on. Takes bytes of `in` and writes bytes to the beginning of `out`, which is not
  /// empty. Where it does neither it needs more of the file than `in`, which may be empty. Not
  /// called again once something was wrong.
  virtual Decoded Decode(std::string_view in, std::span<char> out) = 0;

  /// The place behind what Decode has taken last; nullopt where decoding cannot go on from it
  /// alone, always so in codecs that have no such places.
  virtual std::optional<DecoderPoint> Point() { return std::nullopt; }
  /// Continues at a place of Point, instead of Begin. The checksum of that member is not verified.
  virtual void GoTo(const DecoderPoint& point);
};

/// Encodes one member of a compressed file, with a checksum of what it holds. Throws std::bad_alloc
/// where the system has no memory. Used by one thread.
class Encoder {
 public:
  virtual ~Encoder() = default;

  /// Encodes on: takes all of `in`, less than 2^30 bytes, and appends what can be told by now to
  /// *out.
  virtual void Encode(std::string_view in, std::string* out) = 0;
  /// Ends the member: appends the rest to *out. Called once, last.
  virtual void Finish(std::string* out) = 0;
};

/// The bytes that encoders have their libraries write at a time.
inline constexpr size_t kEncodedPieceBytes = 16 << 10;

/// An algorithm. It is in the file that defines the constant.
struct Codec {
  const char* name;    // for messages
  const char* ending;  // of the names of files that it compresses: ".gz"
  /// Whether a file that begins so is compressed by it. `start` is as in Decoder::Begin, or empty.
  bool (*recognises)(std::string_view start);
  /// Zeros may stand behind every member, in multiples of this number; 0: none may.
  size_t padding_unit;
  std::unique_ptr<Decoder> (*make_decoder)();
  std::unique_ptr<Encoder> (*make_encoder)();
};

extern const Codec kGzip;
extern const Codec kZstd;
extern const Codec kLz4;  // the frame format, which the command lz4 writes
extern const Codec kBzip2;
extern const Codec kXz;

/// All codecs.
std::span<const Codec* const> Codecs();

/// How many bytes of a member tell what it is.
inline constexpr size_t kMemberStartBytes = 16;

/// Reads the bytes of a file from `offset` on: `n`, or less where the file ends before.
using ReadAt = std::function<std::string(int64_t offset, size_t n)>;

/// Returns the codec of a file by its first bytes; null for a plain file. A file that ends within
/// the bytes by which a codec is recognised is of that codec, too, if it has at least two of them:
/// it was truncated. Skippable frames at the beginning may be of zstd and of lz4; the frame behind
/// them tells, or zstd is returned where there is none.
const Codec* RecogniseCodec(const ReadAt& read_at);

/// Returns the codec whose ending the name of a file has; null where it has none.
const Codec* CodecByEnding(std::string_view name);

/// Whether `start` begins with `magic`, or ends within it after at least `n_min` bytes of it.
bool BeginsWith(std::string_view start, std::string_view magic, size_t n_min);
/// Whether a frame that zstd and lz4 pass over begins so, or may do so where `start` ends within
/// its first four bytes.
bool IsSkippable(std::string_view start);

/// Returns the sentence for bytes that are not what the codec writes.
std::string Corrupt(std::string_view codec, std::string_view reason);

}  // namespace zhiyin::worker::data
