// Archives and compressed files in the place of text, by their first bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace zhiyin::worker::data {

/// How many bytes of a file tell whether it is an archive.
inline constexpr size_t kArchiveStartBytes = 262;

/// Returns what a file is that begins so, where no text does: "a zip archive", or "gzip data" for
/// what a codec would decompress once more; "" for anything else. `start` has the first bytes of
/// the file, decompressed where a codec has recognised it.
std::string NameOfArchive(std::string_view start);

}  // namespace zhiyin::worker::data
