#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What nmap's operating system detection (-O -v) says of how well the engine can be predicted, from the SYN cache and from cookies."""
import os
import tempfile
import xml.etree.ElementTree as ElementTree

from lab import Engine, SERVER, check, main

# It wants an open port and a closed one.
OPEN, CLOSED = 80, 81
SERVICES = [('web', OPEN, 'app = "http"\nbody_bytes = 100')]
# Of nmap's logarithmic scale; Linux reaches 255 to 265.
DIFFICULTY = 200
# A clock's rate in Hz that nobody's timestamps have: nmap then measured differences of random offsets, not time.
ABSURD_HZ = 1 << 20


def scan(link):
    """nmap's verdict on the engine as XML's host element."""
    with tempfile.NamedTemporaryFile(suffix='.xml') as report:
        text = link.clients.sh('nmap', '-n', '-O', '-v', '--max-os-tries', '2', '-p', f'{OPEN},{CLOSED}', '-oX', report.name, SERVER, patience=90)
        print(*('      ' + line for line in text.splitlines() if 'Prediction' in line or 'IP ID' in line or 'Uptime' in line), sep='\n', flush=True)
        host = ElementTree.parse(report.name).getroot().find('host')
    states = {int(port.get('portid')): port.find('state').get('state') for port in host.find('ports').findall('port')}
    check(states == {OPEN: 'open', CLOSED: 'closed'}, 'nmap saw the ports', states)
    return host


def difficult(host):
    sequence = host.find('tcpsequence')
    check(sequence is not None, 'nmap says nothing of sequence numbers')
    check(int(sequence.get('index')) > DIFFICULTY, 'difficulty', sequence.get('index'), sequence.get('values'))
    numbers = sequence.get('values').split(',')
    check(len(set(numbers)) == len(numbers) == 6, 'sequence numbers', numbers)
    ids = host.find('ipidsequence')
    check(ids is not None and ids.get('class') == 'Randomized', 'IP IDs:', ids is not None and ids.attrib)


def clock_hidden(host):
    """Six connections, a tenth of a second apart: were the offset one, nmap would find the rate of 1000 Hz and when we began."""
    seen = host.find('tcptssequence')
    check(seen is not None and seen.get('values'), 'no timestamps seen')
    stamps = [int(value, 16) for value in seen.get('values').split(',')]
    check(len(stamps) == 6, stamps)
    check(seen.get('class') not in ('2HZ', '100HZ', '1000HZ', 'zero'), seen.attrib)
    steps = [min((b - a) % 2**32, (a - b) % 2**32) for a, b in zip(stamps, stamps[1:])]
    check(sum(steps) / 0.5 > ABSURD_HZ, 'timestamps close together:', stamps)
    uptime = host.find('uptime')
    # The guess is the last timestamp over the rate it thinks it saw: nothing, whatever the truth.
    check(uptime is None or int(uptime.get('seconds')) <= 2**32 // ABSURD_HZ, 'uptime', uptime is not None and uptime.attrib)


def nmap_predicts_nothing(link):
    with Engine(link, SERVICES):
        host = scan(link)
        difficult(host)
        clock_hidden(host)


def nmap_predicts_nothing_of_cookies(link):
    with Engine(link, SERVICES, tcp='syn_cookies = "always"') as engine:
        host = scan(link)
        difficult(host)
        clock_hidden(host)
        check(sum(shard['counters']['syn_cookies_sent'] for shard in engine.stats()['shards']) >= 12, 'no cookies were sent')


if __name__ == '__main__':
    # Its database and its services file, without which it guesses.
    check(os.path.exists('/usr/share/nmap/nmap-os-db'), 'nmap is not installed (scripts/setup test)')
    main(nmap_predicts_nothing, nmap_predicts_nothing_of_cookies)
