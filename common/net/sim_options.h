// The behaviour of a simulated network, as numbers and as one line of text:
//
//   delay=exp:50us,slow=3:8,pause=2@500ms+1s,crash=4@2s,queue=8
//
//   delay=uniform:LEAST:MOST  time that a frame is under way, drawn for each frame
//   delay=exp:MEAN
//   delay=heavy:LEAST         Pareto with exponent 1.1: mostly near LEAST, rarely 1,000 times LEAST
//   work=TIME                 time that a rank spends on each frame that it takes or looks for
//   queue=N or queue=BYTES    most frames, or bytes (B, KiB, MiB), under way from rank to rank
//   slow=RANK:FACTOR          the work of this rank takes FACTOR times as long
//   pause=RANK@AT+FOR         the rank stands still from AT on, as by SIGSTOP and SIGCONT
//   crash=RANK@AT             the rank is gone from AT on, as by SIGKILL
//   down=RANK-RANK@AT+FOR     frames between the two ranks are held back from AT to AT + FOR
//
// Times are numbers with ns, us, ms or s. slow, pause, crash and down may be repeated for other
// ranks or times.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/random.h"

namespace zhiyin::net {

/// The options of one simulated network. A value.
struct SimOptions {
  struct Delay {
    enum class Kind { kUniform, kExponential, kHeavyTailed };
    Kind kind = Kind::kUniform;
    int64_t least_ns = 1'000;   // uniform and heavy-tailed
    int64_t most_ns = 100'000;  // uniform
    int64_t mean_ns = 0;        // exponential

    /// Draws a delay in seconds.
    double Draw(Random* random) const;
    bool operator==(const Delay&) const = default;
  };
  struct Slow {
    int rank = 0;
    double factor = 1;
    bool operator==(const Slow&) const = default;
  };
  struct Pause {
    int rank = 0;
    int64_t at_ns = 0;
    int64_t for_ns = 0;
    bool operator==(const Pause&) const = default;
  };
  struct Crash {
    int rank = 0;
    int64_t at_ns = 0;
    bool operator==(const Crash&) const = default;
  };
  struct Down {
    int a = 0;
    int b = 0;
    int64_t at_ns = 0;
    int64_t for_ns = 0;
    bool operator==(const Down&) const = default;
  };

  uint64_t seed = 1;  // of all random draws; not part of the text
  Delay delay = {};
  int64_t work_ns = 1'000;
  int64_t queue_frames = 0;  // 0: any number
  int64_t queue_bytes = 0;   // 0: any number
  std::vector<Slow> slow = {};
  std::vector<Pause> pauses = {};
  std::vector<Crash> crashes = {};
  std::vector<Down> downs = {};

  /// The options as text, without the seed; ParseSimOptions reads it back.
  std::string ToText() const;
  bool operator==(const SimOptions&) const = default;
};

/// Reads options from text; "" gives the defaults, and the seed is always the default. Throws
/// Error, naming the part and what was expected, on a text that does not parse, or that names a
/// rank which is not among `n_ranks`.
SimOptions ParseSimOptions(std::string_view text, int n_ranks);

}  // namespace zhiyin::net
