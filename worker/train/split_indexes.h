// What first passes over splits have found, kept on disk: a job that reads the same files in the
// same way as one before needs no first pass.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/tick.h"
#include "configs/job.pb.h"
#include "worker/data/file_digest.h"
#include "worker/data/source.h"
#include "worker/data/split_kind.h"
#include "worker/data/split_summary.h"
#include "worker/train/share_report.h"

namespace zhiyin::worker::train {

/// What the first pass over a split of shared files finds (SplitPass).
struct SplitIndex {
  data::SplitFindings findings;  // of all records of the split
  // The arguments of SharedFiles::SetPlaces.
  std::vector<int64_t> file_begins;
  Places places;
  data::FilePoints points;

  std::string Serialize() const;
  /// The inverse of Serialize. Throws Error on bytes that Serialize did not write.
  static SplitIndex Parse(std::string_view bytes);
};

/// The folders in which the indexes of a job are.
struct IndexFolders {
  std::vector<std::string> read;  // looked into, in this order
  std::vector<std::string> kept;  // a new index is written to each of them
};

/// The folders of a job that trains, and writes to the folder `output`; "" for none.
IndexFolders FoldersOfTraining(const Job& job, const std::string& output);
/// The folders of a job that evaluates a model, whose rows are in a folder.
IndexFolders FoldersOfEvaluation(const Job& job, const std::string& rows);

/// Removes the indexes in the folder `output` of a job that trained. Throws FileError.
void RemoveIndexes(const std::string& output);

/// Finds and keeps the indexes of a job's splits on disk. An index is named by a digest of all that
/// it depends on: this program, with its plugin where that reads the split (arrow_library.h), how
/// the job reads examples, and the path, the size, the time of the
/// last change and the digest (DigestOf) of each file of the split and of the joins. So one that
/// does not fit is not found. Generated splits, pipes and those with behaviour have none. Used by
/// the chief's thread; Find and Keep also by another one while it waits.
class SplitIndexes {
 public:
  /// Names the indexes of `splits` by the present state of their files. `tick` is called while
  /// files are read to digest them. Throws Error as DigestOf does. REQUIRES: no source has opened
  /// the files yet, so that a file that changes later is not taken for the one that was read.
  SplitIndexes(const Job& job, IndexFolders folders, std::span<const data::SplitKind> splits,
               Tick tick);

  /// The digests of the files of a split and of the joins, pipes left out. Throws Error as DigestOf
  /// does.
  std::vector<data::FileDigest> DigestsOf(data::SplitKind split);
  /// The bytes of the index of a split; "" where there is none. One that is damaged is a warning in
  /// the log.
  std::string Find(data::SplitKind split);
  /// Whether Keep writes anything.
  bool Keeps(data::SplitKind split) const;
  /// Writes the index of a split to the folders in which Find has not found it. That this fails is
  /// a warning in the log.
  void Keep(data::SplitKind split, std::string_view bytes);

 private:
  bool HasAny(data::SplitKind split) const;
  std::string MakeName(data::SplitKind split);

  const Job job_;
  IndexFolders folders_;
  Tick tick_;
  /// By path and the most bytes that are sampled.
  std::map<std::pair<std::string, int64_t>, data::FileDigest> digests_;
  std::map<data::SplitKind, std::string> names_;
  std::map<data::SplitKind, std::string> found_in_;  // folders
};

}  // namespace zhiyin::worker::train
