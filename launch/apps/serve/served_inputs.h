// What the rows of a served model take from files: joined columns and behaviour.
#pragma once

#include <string>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/file_bytes.h"
#include "worker/data/side_inputs.h"

namespace zhiyin::launch::apps {

/// The side inputs of a job, and the versions of the files that they were read from. Immutable: any
/// number of threads.
class ServedInputs {
 public:
  /// Reads them. Throws Error as ReadSideInputs does.
  explicit ServedInputs(const Job& job);

  const worker::data::SideInputs& side() const { return side_; }
  /// Whether those of a job are equal to these, and their files are those that were read. Throws
  /// Error where one of them cannot be opened.
  bool AreOf(const Job& job) const;
  /// A line for people for every join with malformed lines, and one for each that is named.
  std::vector<std::string> BadLineNotes() const;

 private:
  Data data_;  // of the job
  std::vector<worker::data::FileStamp> stamps_;
  worker::data::SideInputs side_;
};

}  // namespace zhiyin::launch::apps
