#include "launch/apps/command_line.h"

#include <gflags/gflags.h>

#include <algorithm>

#include "common/error.h"
#include "common/text.h"

namespace zhiyin::launch::apps {
namespace {

const char* Expected(const std::string& type) {
  if (type == "bool") return "true or false";
  if (type == "double") return "a number";
  if (type == "string") return "a text";
  return "a whole number";
}

/// An argument that begins with a dash, cut at its first '='.
struct Flag {
  std::string name;
  std::string value;
  bool has_value = false;
};

Flag CutFlag(const std::string& argument) {
  const size_t begin = argument.starts_with("--") ? 2 : 1;
  const size_t equals = argument.find('=');
  if (equals == std::string::npos) return {argument.substr(begin), "", false};
  return {argument.substr(begin, equals - begin), argument.substr(equals + 1), true};
}

/// Returns the record of the flag in gflags. For --noNAME, finds the bool NAME and fills in the
/// value.
gflags::CommandLineFlagInfo InfoOf(Flag* flag, const std::vector<std::string>& own_flags) {
  gflags::CommandLineFlagInfo info;
  if (gflags::GetCommandLineFlagInfo(flag->name.c_str(), &info)) return info;
  if (flag->name.starts_with("no") && !flag->has_value &&
      gflags::GetCommandLineFlagInfo(flag->name.c_str() + 2, &info) && info.type == "bool") {
    *flag = {info.name, "false", true};
    return info;
  }
  Fail("--", flag->name, ": no such flag", Suggestion(flag->name, own_flags));
}

}  // namespace

CommandLine ParseCommandLine(const std::vector<std::string>& arguments,
                             const std::vector<std::string>& own_flags) {
  CommandLine line;
  for (const std::string& argument : arguments) {
    if (argument == "--") break;
    if (argument == "--help" || argument == "-h" || argument == "help") {
      line.help = true;
    } else if (argument == "--version") {
      line.version = true;
    } else if (line.command.empty() && !argument.starts_with("-")) {
      line.command = argument;
    }
  }
  if (line.help || line.version) return line;
  line.command.clear();
  std::vector<std::string> known = own_flags;
  known.emplace_back("set");
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") {
      line.rest.assign(arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1, arguments.end());
      break;
    }
    if (!argument.starts_with("-")) {
      if (!line.operand.empty())
        Fail(argument, ": expected one command and flags, see zhiyin --help");
      (line.command.empty() ? line.command : line.operand) = argument;
      continue;
    }
    Flag flag = CutFlag(argument);
    const bool is_set = flag.name == "set";
    gflags::CommandLineFlagInfo info;
    if (!is_set) info = InfoOf(&flag, known);
    if (!flag.has_value && info.type == "bool") {
      flag.value = "true";
    } else if (!flag.has_value) {
      if (i + 1 == arguments.size()) Fail("--", flag.name, ": expected a value behind it");
      flag.value = arguments[++i];
    }
    if (is_set) {
      line.overrides.push_back(flag.value);
    } else if (gflags::SetCommandLineOption(info.name.c_str(), flag.value.c_str()).empty()) {
      Fail("--", info.name, "=", flag.value, ": expected ", Expected(info.type));
    }
  }
  return line;
}

}  // namespace zhiyin::launch::apps
