// Where a job's results go.
#pragma once

#include <memory>
#include <string>

namespace zhiyin::launch::rank {

/// What may lie in the folder already.
enum class EarlierRun {
  kRefused,   // no results of an earlier run
  kReplaced,  // any: its checkpoints are removed, each other file is replaced when its successor is
              // whole
  kUnfinished,  // those of a run that did not come to its end, which begins again: it had no
                // checkpoint yet
  kContinued,   // those of the job that goes on
};

/// A folder that one job writes into, for as long as this lives, or its process does.
class OutputLock {
 public:
  /// Throws Error, naming who holds it, when another job does. The folder exists.
  explicit OutputLock(const std::string& path);
  ~OutputLock();
  OutputLock(const OutputLock&) = delete;
  OutputLock& operator=(const OutputLock&) = delete;

 private:
  int file_;
};

/// With all above it. Throws Error where it cannot be.
void MakeOutputFolder(const std::string& path);

/// Makes the folder where it is missing, locks it, and sees that it can be written. Throws Error
/// when it cannot, or holds what is not expected.
[[nodiscard]] std::unique_ptr<OutputLock> PrepareOutputFolder(const std::string& path,
                                                              EarlierRun earlier);

/// For a command that writes one file. Throws Error when it is a folder, or is there already and
/// `overwrite` is false, or would lie in a folder that does not exist.
void CheckOutputFile(const std::string& path, bool overwrite);

}  // namespace zhiyin::launch::rank
