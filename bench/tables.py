"""A report as text, and as the figures of docs/performance.md."""
BEGIN = "<!-- figures: written by bench/bench.py --docs -->"
END = "<!-- end of figures -->"
IDLE_BEGIN = "<!-- idle accounts: written by bench/bench.py --docs -->"
IDLE_END = "<!-- end of idle accounts -->"
PARTS = (("Opus encoding", "opus_encode_us"),
         ("Opus decoding", "opus_decode_us"), ("G.711", "g711_us"),
         ("SRTP", "srtp_us"), ("datagrams", "io_us"))


def aligned(rows):
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(x.ljust(w) for x, w in zip(r, widths)).rstrip()
                     for r in rows) + "\n"


def marked_down(rows):
    lines = ["| " + " | ".join(r) + " |" for r in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines) + "\n"


def round_rows(report):
    rows = [("calls", "CPU us per call-second", "of it user", "ratio",
             "set-up ms CPU", "200 to sound ms", "kB per call", "heard")]
    for r in report["rounds"]:
        rows.append((
            "%d x %s" % (r["calls"], r["name"]),
            "%.0f" % r["cpu_us_per_call_second"],
            "%.0f" % r["user_us_per_call_second"],
            "%.2f" % r["ratio"] if "ratio" in r else "-",
            "%.1f" % r["setup_cpu_ms_per_call"],
            "%.0f" % r["first_packet_ms"],
            ("%.0f" % (r["rss_bytes_per_call"] / 1000)
             if "rss_bytes_per_call" in r else "-"),
            "yes" if r["heard"] else "NO"))
    return rows


def floor_rows(report):
    rows = [("floor, us per call-second", "before", "after",
             "beside the calls")]
    kinds = [report["floor"][k] for k in ("before", "after",
                                          "beside_the_calls")]
    for name, key in PARTS + (("all", "codec_floor_us_per_call_second"),):
        rows.append((name,) + tuple("%.0f" % k[key] for k in kinds))
    return rows


def sentence(report):
    return ("One bridged call costs %.0f us of CPU a second, %.2f times the "
            "floor of %.0f us: %d calls a core. It holds %.0f kB." % (
                report["cpu_us_per_call_second"], report["ratio"],
                report["codec_floor_us_per_call_second"],
                report["calls_per_core"],
                report["rss_bytes_per_call"] / 1000))


def idle_sentence(report):
    return ("An idle account holds %.1f KiB; %d of them use %.2f %% of a "
            "core." % (report["idle_account_bytes"] / 1024,
                       report["idle_accounts"],
                       report["idle_accounts_cpu_percent"]))


def idle_rows(report):
    rows = [("idle accounts", "MB resident", "% of a core", "for s")]
    return rows + [("%d" % r["accounts"], "%.1f" % (r["rss_bytes"] / 1e6),
                    "%.2f" % r["cpu_percent"], "%.0f" % r["seconds"])
                   for r in report["idle_rounds"]]


def text(report):
    parts = []
    if "rounds" in report:
        parts += [aligned(round_rows(report)), aligned(floor_rows(report)),
                  sentence(report)]
    if "idle_rounds" in report:
        parts += ["", aligned(idle_rows(report)), idle_sentence(report)]
    return "\n".join(parts)


def block_put(page, begin, end, block):
    before, rest = page.split(begin)
    return before + begin + "\n" + block + end + rest.split(end)[1]


def docs_update(path, report):
    """What the last report holds; the rest stays."""
    with open(path) as f:
        page = f.read()
    if "rounds" in report:
        m = report["machine"]
        page = block_put(page, BEGIN, END, (
            "\n%s\n\nMeasured on: %s, %d cores, %s.\n\n%s\n%s\n" % (
                sentence(report), m["processor"], m["cores"], m["system"],
                marked_down(round_rows(report)),
                marked_down(floor_rows(report)))))
    if "idle_rounds" in report:
        page = block_put(page, IDLE_BEGIN, IDLE_END, "\n%s\n\n%s\n" % (
            idle_sentence(report), marked_down(idle_rows(report))))
    with open(path, "w") as f:
        f.write(page)
