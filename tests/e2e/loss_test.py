#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Over a line that loses, repeats and reorders frames both ways, with the kernel's own recovery on the other end."""
from echo_test import ECHO, echo_whole
from lab import Engine, SERVER, SERVER6, check, main, wait_until

# Without a time-out of its own, under which nobody is probed.
WEB = ('web', 80, 'app = "http"\nbody_bytes = 20000\nidle_timeout_s = 0')


def over_a_bad_line_every_byte_arrives(link):
    with Engine(link, [ECHO]) as engine:
        for address in (SERVER, SERVER6):
            echo_whole(link, address, 5_000_000)
        stats = engine.stats()
        check(stats['tcp']['RetransSegs'] > 0 and stats['tcp']['EstabResets'] == 0, stats['tcp'])


def wrk_over_a_bad_line_sees_no_error(link):
    # wrk ends with resets. Where one is lost, only keepalive finds out that the client is gone.
    with Engine(link, [WEB], tcp='keepalive = { enabled = true, idle_s = 1, interval_s = 1, probes = 9 }') as engine:
        text = link.clients.sh('wrk', '-t', '1', '-c', '16', '-d', '3s', '--timeout', '60s', f'http://{SERVER}/', patience=90)
        check('Socket errors' not in text and 'Non-2xx' not in text and ' 0 requests' not in text, text)
        wait_until(lambda: not engine.stats()['tcp']['CurrEstab'], 'the connections to go')


if __name__ == '__main__':
    main(over_a_bad_line_every_byte_arrives, wrk_over_a_bad_line_sees_no_error)
