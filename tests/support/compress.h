// Compresses as the product does, and with options of the libraries that it does not use.
#pragma once

#include <ostream>
#include <span>
#include <string>
#include <string_view>

namespace zhiyin::testing {

std::string Gzip(std::string_view content);
/// A frame, with or without a checksum of its content.
std::string Zstd(std::string_view content, bool checksum = true);
/// A frame of blocks of 64 KiB, with or without a checksum of its content. `dictionary`: the id of
/// one that it claims to need; 0: none.
std::string Lz4(std::string_view content, bool checksum = true, unsigned dictionary = 0);
std::string Bzip2(std::string_view content);
std::string Xz(std::string_view content);
/// What zstd and lz4 pass over: a frame of these bytes.
std::string SkippableFrame(std::string_view content);

/// A way to compress.
struct Compression {
  std::string_view name;
  std::string (*compress)(std::string_view content);
  /// How the product calls the algorithm.
  std::string_view codec;
  bool has_checksum;
};

/// All of the above, those without checksums included.
std::span<const Compression> Compressions();
/// For the names of tests.
inline void PrintTo(const Compression& compression, std::ostream* out) {
  *out << compression.name;
}

}  // namespace zhiyin::testing
