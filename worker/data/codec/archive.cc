#include "worker/data/codec/archive.h"

#include <utility>

#include "common/text.h"
#include "worker/data/codec/codec.h"

namespace zhiyin::worker::data {
namespace {

/// The first bytes of a file, and what it is.
constexpr std::pair<std::string_view, const char*> kArchives[] = {
    {"PK\x03\x04", "a zip archive (as .xlsx and .npz are)"},
    {"PK\x05\x06", "an empty zip archive"},
    {"7z\xbc\xaf\x27\x1c", "a 7z archive"},
    {"Rar!\x1a\x07", "a rar archive"},
    {std::string_view("\x5d\0\0", 3), "an .lzma file, which is older than .xz"},
    {"\x1f\x9d", "a .Z file of compress"},
};

/// Where a tar archive, of POSIX or of GNU, has the word ustar.
constexpr size_t kTarMagicAt = 257;

}  // namespace

std::string NameOfArchive(std::string_view start) {
  for (const auto& [magic, name] : kArchives) {
    if (start.starts_with(magic)) return name;
  }
  if (start.size() >= kArchiveStartBytes && start.substr(kTarMagicAt, 5) == "ustar" &&
      start.find('\0') < kTarMagicAt)
    return "a tar archive";
  if (start.size() < kMemberStartBytes) return "";  // a short text may be like a magic number
  for (const Codec* codec : Codecs()) {
    if (codec->recognises(start.substr(0, kMemberStartBytes))) return TextOf(codec->name, " data");
  }
  return "";
}

}  // namespace zhiyin::worker::data
