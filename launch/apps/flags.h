// The flags of all commands. The table of commands lists the flags of each
// (launch/apps/commands.h).
#pragma once

#include <gflags/gflags.h>

#include <string>
#include <vector>

#include "launch/apps/command_line.h"

DECLARE_string(config);
DECLARE_string(checkpoint);
DECLARE_int32(servers);
DECLARE_int32(threads);
DECLARE_string(products);
DECLARE_string(simulate);
DECLARE_string(network);
DECLARE_string(output);
DECLARE_bool(resume);
DECLARE_double(died_at);
DECLARE_string(life_file);
DECLARE_bool(overwrite);
DECLARE_string(seed);
DECLARE_double(timeout_s);
DECLARE_bool(profile);
DECLARE_string(progress);
DECLARE_string(seeds);
DECLARE_bool(markdown);
DECLARE_string(row);
DECLARE_string(against);
DECLARE_int32(restarts);
DECLARE_double(backoff_s);
DECLARE_double(start_s);
DECLARE_double(silence_s);
DECLARE_double(grace_s);
DECLARE_int32(ranks);
DECLARE_string(hostfile);
DECLARE_string(ranker);
DECLARE_string(users);
DECLARE_string(items);
DECLARE_string(index);
DECLARE_int32(search_width);
DECLARE_double(min_recall);
DECLARE_int32(k);
DECLARE_int32(candidates);
DECLARE_string(formula);
DECLARE_string(format);
DECLARE_double(relevance);
DECLARE_bool(seen);
DECLARE_bool(measure);
DECLARE_string(slices);
DECLARE_bool(importance);
DECLARE_bool(onnx);
DECLARE_string(since);
DECLARE_bool(strict);
DECLARE_string(listen);
DECLARE_string(token_file);
DECLARE_double(reload_s);
DECLARE_int32(connections);
DECLARE_double(request_s);

namespace zhiyin::launch::apps {

/// The documentation of a flag, for help and the reference page.
struct FlagHelp {
  std::string name;
  std::string value;  // a placeholder such as FILE; "" for a bool
  std::string help;
  std::string default_value;
  bool is_bool = false;
};

/// The flags of the program, not those of libraries, in the order in which they are defined.
const std::vector<FlagHelp>& AllFlags();
/// The flag with this name. REQUIRES: it is one of AllFlags().
const FlagHelp& FlagNamed(const std::string& name);

/// Whether the flag is set on the command line.
bool IsSet(const std::string& flag);

/// Throws Error if one of `flags` is set, since a flag that has no effect is a mistake. `what`
/// names, in the message, what does not use them.
void CheckUnset(const std::string& what, const std::vector<std::string>& flags);
/// Throws Error if a flag is set that is not among `used`.
void CheckUses(const std::string& command, const std::vector<std::string>& used);

}  // namespace zhiyin::launch::apps
