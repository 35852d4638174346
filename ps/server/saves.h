// Writes the rows of a server to disk while the server continues to answer requests.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "common/net/mailbox.h"
#include "ps/save/row_saver.h"
#include "ps/server/replies.h"
#include "ps/server/state.h"

namespace zhiyin::ps::server {

/// Returns whether a path lies inside a folder, after symbolic links are resolved. Neither needs to
/// exist; an empty path or folder gives false.
bool IsInside(const std::string& path, const std::string& folder);

/// Runs the saves that the chief requests, one at a time. The file holds the rows as they were when
/// OnSave handled the request. The server calls Continue until the save is over. Borrows all
/// pointers that it is given; used by the rank's thread.
class Saves {
 public:
  /// The pause between two calls of Continue while the save waits for the disk.
  static constexpr std::chrono::microseconds kDiskPoll{100};

  /// `output_folder` is the only folder that files are written to; "": requests to save are
  /// refused.
  Saves(const std::string& output_folder, net::Mailbox* mailbox, ServerState* state,
        Replies* replies)
      : output_folder_(output_folder), mailbox_(mailbox), state_(state), replies_(replies) {}

  /// Begins a save and confirms to the chief that it has begun. Throws Error on a request that is
  /// malformed, comes from another rank than the chief, names a file outside of the output folder,
  /// or arrives while a save is under way. A file that cannot be written is reported to the chief.
  void OnSave(const net::Frame& frame);
  /// Returns whether a save has begun and is not over.
  bool IsUnderWay() const { return saver_ != nullptr; }
  /// Writes some more rows, or all of them if the copies of changed rows take too much memory, and
  /// reports the end of the save to the chief. Returns false if the save waits for the disk. Sends
  /// heartbeats, so that a server without other work counts as alive, but stops when the disk has
  /// made no progress for net::Mailbox::kDiskPatience times the limit. REQUIRES: IsUnderWay().
  bool Continue();

 private:
  /// Writes some more rows and sends a heartbeat; returns false if it has to wait for the disk.
  bool Advance();
  void SendHeartbeatWhileDiskIsBusy() { mailbox_->SendHeartbeatWhileDiskIsBusy(progress_at_s_); }
  void ReportFailure(const std::string& what);

  std::string output_folder_;
  net::Mailbox* mailbox_;
  ServerState* state_;
  Replies* replies_;
  std::unique_ptr<save::RowSaver> saver_;  // nullptr: no save is under way
  uint64_t request_id_ = 0;                // of the chief's request
  double progress_at_s_ = 0;               // when the save last made progress, on endpoint's clock
};

}  // namespace zhiyin::ps::server
