#include "launch/output_folder.h"

#include <filesystem>

#include "common/error.h"
#include "common/file.h"
#include "worker/checkpoints.h"

namespace zhiyin::launch {

void PrepareOutputFolder(const std::string& path, EarlierRun earlier) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::create_directories(path, error);
  if (!fs::is_directory(path, error))
    Fail("--output=", path, ": cannot make this folder", error ? ": " + error.message() : "");
  for (const char* name : {"summary.json", "metrics.jsonl", "model", "checkpoints", "compare.json"}) {
    if (earlier == EarlierRun::kRefused && fs::exists(fs::path(path) / name, error)) {
      Fail("--output=", path, ": holds ", name,
           " of an earlier run: name another folder, or add --overwrite");
    }
  }
  if (earlier == EarlierRun::kUnfinished && fs::exists(fs::path(path) / "summary.json", error))
    Fail("--resume: --output=", path, " holds a run that came to its end, and no checkpoint: name another folder, or use --overwrite");
  // A later --resume must not find them.
  if (earlier == EarlierRun::kReplaced) worker::RemoveCheckpoints(path);
  const std::string probe = path + "/.zhiyin-probe";
  FileWriter file(probe);
  file.Commit();
  RemoveFile(probe);
}

void CheckOutputFile(const std::string& path, bool overwrite) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path folder = fs::path(path).parent_path();
  if (fs::is_directory(path, error)) Fail("--output=", path, ": is a folder, expected the name of a file");
  if (!folder.empty() && !fs::is_directory(folder, error))
    Fail("--output=", path, ": there is no folder ", folder.string());
  if (!overwrite && fs::exists(path, error))
    Fail("--output=", path, ": is there already, expected a new name or --overwrite");
}

}  // namespace zhiyin::launch
