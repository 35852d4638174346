// The output folder of a job.
#pragma once

#include <memory>
#include <string>

namespace zhiyin::launch::rank {

/// The results of an earlier run that the folder may hold.
enum class EarlierRun {
  /// None.
  kRefused,
  /// Any. Checkpoints and indexes are removed; other files are replaced when the new one is
  /// complete.
  kReplaced,
  /// Those of a run that did not end and had no checkpoint yet; the job begins again.
  kUnfinished,
  /// Those of the job that is resumed.
  kContinued,
};

/// A lock on a folder that one job writes to. Held during the lifetime of this object, or until its
/// process ends.
class OutputLock {
 public:
  /// Throws Error, naming the holder, when another job has locked the folder. REQUIRES: the folder
  /// exists.
  explicit OutputLock(const std::string& path);
  ~OutputLock();
  OutputLock(const OutputLock&) = delete;
  OutputLock& operator=(const OutputLock&) = delete;

 private:
  int file_;
};

/// Makes the folder with missing parents. Throws Error when it cannot be made.
void MakeOutputFolder(const std::string& path);

/// Makes the folder if it is missing, locks it, and checks that files can be written. Throws Error
/// when one of these fails, or the folder holds results that `earlier` does not allow.
[[nodiscard]] std::unique_ptr<OutputLock> PrepareOutputFolder(const std::string& path,
                                                              EarlierRun earlier);

/// Checks the path of a file to write. Throws Error when it is a folder, when it exists and
/// `overwrite` is false, and when its folder does not exist.
void CheckOutputFile(const std::string& path, bool overwrite);

}  // namespace zhiyin::launch::rank
