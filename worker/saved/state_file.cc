#include "worker/saved/state_file.h"

#include <span>

#include "common/block_file.h"
#include "common/error.h"
#include "common/text.h"

namespace zhiyin::worker::saved {
namespace {

constexpr std::string_view kStateMagic = "zystate1";
constexpr int64_t kMaxStateBytes = int64_t{1} << 30;

}  // namespace

std::string StatePath(const std::string& folder) {
  return folder + "/state";
}

Progress::StateFile WriteState(const std::string& folder, std::string_view content) {
  const std::string path = StatePath(folder);
  Progress::StateFile entry;
  if (static_cast<int64_t>(content.size()) > kMaxStateBytes)
    throw FileError(
        TextOf(path, ": would have ", content.size(), " bytes, expected at most ", kMaxStateBytes));
  BlockWriter file(path);
  file.Write(std::as_bytes(std::span(kStateMagic)));
  file.Write(std::as_bytes(std::span(content)));
  file.Commit();
  entry.set_n_bytes(file.n_bytes());
  entry.set_digest(file.digest());
  try {
    if (ReadState(folder, entry) != content) Fail(path, ": has other bytes than were written");
  } catch (const Error& e) {
    throw FileError(TextOf(path, ": could not be read back: ", e.what()));
  }
  return entry;
}

std::string ReadState(const std::string& folder, const Progress::StateFile& entry) {
  BlockReader file(StatePath(folder));
  const int64_t n_magic = static_cast<int64_t>(kStateMagic.size());
  const int64_t n = file.n_left() - n_magic;
  if (file.n_file_bytes() != entry.n_bytes() || n < 0 || n > kMaxStateBytes)
    Fail(file.path(), ": has ", file.n_file_bytes(), " bytes, the manifest says ", entry.n_bytes());
  std::string magic(kStateMagic.size(), ' ');
  file.Read(std::as_writable_bytes(std::span(magic)));
  std::string content(static_cast<size_t>(n), ' ');
  file.Read(std::as_writable_bytes(std::span(content)));
  if (file.digest() != entry.digest())
    Fail(file.path(), ": its content is not what the manifest says");
  if (magic != kStateMagic) Fail(file.path(), ": not the state of a checkpoint");
  return content;
}

}  // namespace zhiyin::worker::saved
