#include "launch/rank/output_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "common/error.h"
#include "common/file.h"
#include "common/text.h"
#include "launch/rank/launcher.h"
#include "worker/saved/checkpoints.h"
#include "worker/train/split_indexes.h"

namespace zhiyin::launch::rank {

OutputLock::OutputLock(const std::string& path) {
  const std::string name = path + "/.zhiyin-lock";
  file_ = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file_ < 0) Fail("--output=", path, ": cannot make ", name, ": ", std::strerror(errno));
  if (flock(file_, LOCK_EX | LOCK_NB) != 0) {
    const int cause = errno;
    char holder[300] = "";
    const ssize_t n = read(file_, holder, sizeof(holder) - 1);
    close(file_);
    if (cause != EWOULDBLOCK)
      Fail("--output=", path, ": cannot lock ", name, ": ", std::strerror(cause));
    Fail("--output=", path, ": is in use by ", n > 0 ? OneLine(holder) : "another job",
         ": name another folder, or wait for it");
  }
  // For whoever finds it locked. The file stays: removed, two others could lock a file of this name
  // each.
  const std::string self = "process " + std::to_string(getpid()) + " on " + HostName();
  if (ftruncate(file_, 0) != 0 || write(file_, self.data(), self.size()) < 0) {
    const int cause = errno;
    close(file_);
    Fail("--output=", path, ": cannot write ", name, ": ", std::strerror(cause));
  }
}

OutputLock::~OutputLock() {
  close(file_);
}

void MakeOutputFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (std::error_code ignored; !std::filesystem::is_directory(path, ignored))
    Fail("--output=", path, ": cannot make this folder", error ? ": " + error.message() : "");
}

std::unique_ptr<OutputLock> PrepareOutputFolder(const std::string& path, EarlierRun earlier) {
  namespace fs = std::filesystem;
  std::error_code error;
  MakeOutputFolder(path);
  auto lock = std::make_unique<OutputLock>(path);
  for (const char* name :
       {"summary.json", "metrics.jsonl", "model", "checkpoints", "compare.json"}) {
    if (earlier == EarlierRun::kRefused && fs::exists(fs::path(path) / name, error)) {
      Fail("--output=", path, ": holds ", name,
           " of an earlier run: name another folder, or add --overwrite");
    }
  }
  if (earlier == EarlierRun::kUnfinished && fs::exists(fs::path(path) / "summary.json", error))
    Fail("--resume: --output=", path,
         " holds a run that came to its end, and no checkpoint: name another folder, or use "
         "--overwrite");
  // A later --resume must not find them; and a simulated run is to be that of an empty folder.
  if (earlier == EarlierRun::kReplaced) {
    worker::saved::RemoveCheckpoints(path);
    worker::train::RemoveIndexes(path);
  }
  const std::string probe = path + "/.zhiyin-probe";
  FileWriter file(probe);
  file.Commit();
  RemoveFile(probe);
  return lock;
}

void CheckOutputFile(const std::string& path, bool overwrite) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path folder = fs::path(path).parent_path();
  if (fs::is_directory(path, error))
    Fail("--output=", path, ": is a folder, expected the name of a file");
  if (!folder.empty() && !fs::is_directory(folder, error))
    Fail("--output=", path, ": there is no folder ", folder.string());
  if (!overwrite && fs::exists(path, error))
    Fail("--output=", path, ": is there already, expected a new name or --overwrite");
}

}  // namespace zhiyin::launch::rank
