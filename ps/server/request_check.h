// Checks of the contents of a request, before it is used. The layouts are in ps/protocol.h.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/net/frame.h"
#include "common/types.h"
#include "ps/protocol.h"
#include "ps/server/repeats.h"
#include "ps/server/state.h"

namespace zhiyin::ps::server {

/// The prelude of a push. Throws Error when the payload is shorter than one.
const PushPrelude& PreludeOf(const net::Frame& push);

/// The sections of a pull or a read-only pull that RequestCheck has passed; views of the frame.
std::span<const Section> SectionsOf(const net::Frame& pull, size_t n_tables);

/// The keys that follow the sections in the frame.
const Key* KeysBehind(std::span<const Section> sections);

/// Throws Error, naming the kind of the frame and its rank, on requests that no correct worker
/// sends. Borrows the server's state; used by the rank's thread.
class RequestCheck {
 public:
  explicit RequestCheck(ServerState* state)
      : state_(state), last_request_(static_cast<size_t>(state->roles.n_workers)) {}

  /// Checks a pull, a read-only pull (one section for every table), or an assignment
  /// (`one_section`, with its weights), and returns its sections, views of the frame: the tables
  /// exist, and the keys are all there, are distinct within a table, and belong to this server.
  std::span<const Section> Sections(const net::Frame& frame, bool one_section);

  /// Whether this pull or read-only pull has arrived before; the request ids of a worker rise. A
  /// repeated request must be dropped: the first one has been answered or will be, and a second
  /// pull with its id would wait for a push that never comes.
  bool IsRepeated(const net::Frame& frame);

 private:
  void CheckKeys(const net::Frame& frame, std::span<const Section> sections);

  ServerState* state_;
  std::vector<uint64_t> last_request_;  // [worker], id of its latest pull or read-only pull
  Repeats repeats_;                     // workspace
};

}  // namespace zhiyin::ps::server
