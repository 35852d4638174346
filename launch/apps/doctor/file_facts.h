// What a rank finds in the file system: the job's data, and the folder for its results.
#pragma once

#include <filesystem>
#include <string>

#include "launch/apps/doctor/facts.pb.h"

namespace zhiyin::launch::apps {

/// Size of each file, and a hash of its first and last MiB.
DataFacts LookAtData(const DataQuestion& question);

/// Rank R's file in the folder.
std::string TokenPath(const std::string& folder, const std::string& token, int rank);

/// Looks for rank 0's file, for up to two seconds as network file systems are slow to show new
/// ones, writes its own, and measures the disk where it is asked to. Leaves its own file behind:
/// rank 0 looks for it.
OutputFacts LookAtOutput(const OutputQuestion& question, int rank);

/// Whether the file of this rank is there, waiting as above.
bool SeesToken(const std::string& folder, const std::string& token, int rank);

/// A folder that is there while the object lives; what had to be made for it, and is still empty,
/// goes with it.
class BorrowedFolder {
 public:
  explicit BorrowedFolder(const std::string& path);
  ~BorrowedFolder();
  BorrowedFolder(const BorrowedFolder&) = delete;
  BorrowedFolder& operator=(const BorrowedFolder&) = delete;

  /// Why it could not be made; "" when it is there.
  const std::string& error() const { return error_; }

 private:
  std::filesystem::path path_;
  int n_made_ = 0;  // the last parts of the path, from the end
  std::string error_;
};

}  // namespace zhiyin::launch::apps
