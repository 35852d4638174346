#include "launch/apps/help.h"

#include "common/error.h"
#include "common/text.h"
#include "launch/apps/commands.h"
#include "launch/apps/flags.h"

namespace zhiyin::launch::apps {
namespace {

constexpr size_t kWidth = 100;
constexpr size_t kIndent = 26;

/// The words of `text` in lines of at most kWidth columns behind `indent` spaces.
std::string Wrapped(const std::string& text, size_t indent) {
  std::string lines;
  size_t column = indent;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    if (column > indent && column + 1 + word.size() > kWidth) {
      lines += "\n" + std::string(indent, ' ');
      column = indent;
    }
    if (column > indent) {
      lines += " ";
      ++column;
    }
    lines += word;
    column += word.size();
    begin = end + 1;
  }
  return lines;
}

std::string SpellingOf(const FlagHelp& flag) {
  if (!flag.is_bool) return "--" + flag.name + "=" + flag.value;
  return flag.default_value == "true" ? "--no" + flag.name : "--" + flag.name;
}

std::string HelpTextOf(const FlagHelp& flag) {
  if (flag.is_bool) return (flag.default_value == "true" ? "leaves out: " : "") + flag.help;
  if (flag.default_value.empty() || flag.help.find("(default") != std::string::npos)
    return flag.help;
  return flag.help + " (default " + flag.default_value + ")";
}

const Command& CommandNamed(const std::string& name) {
  std::vector<std::string> names;
  for (const Command& command : Commands()) {
    if (name == command.name) return command;
    names.emplace_back(command.name);
  }
  Fail(name, ": no such command", Suggestion(name, names), ", see zhiyin --help");
}

}  // namespace

std::string Overview() {
  std::string text =
      "zhiyin trains multi-task recommendation models on a cluster with nothing but mpirun.\n\n";
  for (const Command& command : Commands()) text += std::string("  ") + command.example + "\n";
  text += "\ncommands\n";
  for (const Command& command : Commands()) {
    std::string name = std::string("  ") + command.name;
    name.resize(13, ' ');
    text += name + Wrapped(command.help, 13) + "\n";
  }
  return text +
         "\nof every command\n"
         "  --set PATH=VALUE         override a field of the job; may be repeated\n"
         "\nzhiyin COMMAND --help tells a command's flags, zhiyin --version which build this is;\n"
         "zhiyin completion prints a completion script for bash.\n";
}

std::string HelpOf(const std::string& name) {
  const Command& command = CommandNamed(name);
  std::string text = std::string(command.example) + "\n\n" + Wrapped(command.help, 0) + "\n\n";
  for (const std::string& flag_name : command.flags) {
    const FlagHelp& flag = FlagNamed(flag_name);
    std::string spelling = "  " + SpellingOf(flag);
    if (spelling.size() + 1 > kIndent) spelling += "\n" + std::string(kIndent, ' ');
    spelling.resize(std::max(spelling.size(), kIndent), ' ');
    text += spelling + Wrapped(HelpTextOf(flag), kIndent) + "\n";
  }
  return text;
}

std::string CommandsPage() {
  std::string page =
      "# Commands\n\nThis page is written by `zhiyin commands`; a test compares them. Every "
      "command "
      "takes\n`--set PATH=VALUE`, which overrides a field of the job and may be repeated.\n";
  for (const Command& command : Commands()) {
    page += std::string("\n## ") + command.name + "\n\n" + Wrapped(command.help, 0) + ".\n\n```\n" +
            command.example + "\n```\n\n| flag | what |\n|---|---|\n";
    for (const std::string& name : command.flags) {
      const FlagHelp& flag = FlagNamed(name);
      page += "| `" + SpellingOf(flag) + "` | " + HelpTextOf(flag) + " |\n";
    }
  }
  return page;
}

std::string BashCompletion() {
  std::string names;
  std::string cases;
  for (const Command& command : Commands()) {
    names += (names.empty() ? "" : " ") + std::string(command.name);
    cases += std::string("    ") + command.name + ") words=\"--set --help";
    for (const std::string& flag : command.flags) {
      const FlagHelp& help = FlagNamed(flag);
      cases += " " + (help.is_bool ? SpellingOf(help) : "--" + flag + "=");
    }
    cases += "\" ;;\n";
  }
  return "# source <(zhiyin completion)\n"
         "_zhiyin() {\n"
         "  local words=\"" +
         names +
         " --help --version\"\n"
         "  if ((COMP_CWORD > 1)); then\n"
         "    case \"${COMP_WORDS[1]}\" in\n" +
         cases +
         "    esac\n"
         "  fi\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
         "  [[ ${COMPREPLY[0]:-} == *= ]] && compopt -o nospace\n"
         "}\n"
         "complete -o default -F _zhiyin zhiyin\n";
}

}  // namespace zhiyin::launch::apps
