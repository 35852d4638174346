// The examination of a rank's file system: the job's data, and the folder for its results.
#pragma once

#include <filesystem>
#include <string>

#include "launch/apps/doctor/facts.pb.h"

namespace zhiyin::launch::apps {

/// Returns the size of each file and a hash of its first and last MiB, or the error that opening it
/// gave.
DataFacts LookAtData(const DataQuestion& question);

/// The path of the file that a rank writes to the folder.
std::string TokenPath(const std::string& folder, const std::string& token, int rank);

/// Waits for the file of rank 0 for up to two seconds, since network file systems show new files
/// late; writes the file of this rank; measures the disk if the question asks for it. Does not
/// remove the file, which rank 0 looks for.
OutputFacts LookAtOutput(const OutputQuestion& question, int rank);

/// Whether the file of a rank is visible here; waits for it for up to two seconds.
bool SeesToken(const std::string& folder, const std::string& token, int rank);

/// Makes a folder, with missing parents. The destructor removes the folders that were made here, if
/// they are empty.
class BorrowedFolder {
 public:
  explicit BorrowedFolder(const std::string& path);
  ~BorrowedFolder();
  BorrowedFolder(const BorrowedFolder&) = delete;
  BorrowedFolder& operator=(const BorrowedFolder&) = delete;

  /// The reason why the folder could not be made; "" if it exists.
  const std::string& error() const { return error_; }

 private:
  std::filesystem::path path_;
  int n_made_ = 0;  // the last parts of the path, from the end
  std::string error_;
};

}  // namespace zhiyin::launch::apps
